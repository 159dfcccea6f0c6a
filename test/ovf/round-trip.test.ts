import { describe, expect, it } from 'vitest';
import type { DescriptorSpec } from '../../src/ovf/descriptor-spec.js';
import { readDescriptor } from '../../src/ovf/read-descriptor.js';
import { writeDescriptor } from '../../src/ovf/write-descriptor.js';
import { blankOutput, combined, full, minimal, thin } from './descriptor-samples.js';

const read = (spec: DescriptorSpec) => readDescriptor(Buffer.from(writeDescriptor(spec)), 'square.ovf');

describe('a descriptor of ours', () => {
  it.each(Object.entries({ minimal, full, thin, blankOutput, combined }))(
    'is read without a complaint: %s',
    (_name, spec) => {
      const envelope = read(spec);
      expect(envelope.problems).toEqual([]);
      expect(envelope.files).toMatchObject(spec.files);
      expect(envelope.disks).toMatchObject(spec.disks);
      expect(envelope.disks.map(({ fileRef }) => fileRef)).toEqual(spec.disks.map(({ fileRef }) => fileRef));
      expect(envelope.systems[0]?.gva).toEqual({
        ...{ contract: spec.contract, base: spec.base, digest: spec.digest },
        ...(spec.appliance.warm === undefined ? {} : { warm: spec.appliance.warm }),
      });
    },
  );

  it('says of the appliance what was said', () => {
    const envelope = read(full);
    const system = envelope.systems[0]!;
    const { appliance } = full;
    expect(system).toMatchObject({
      ...{ id: 'square', name: 'square', annotation: appliance.description, eulas: [appliance.eula?.trim()] },
      operatingSystem: full.operatingSystem,
      products: [{ product: 'square', vendor: appliance.vendor, version: appliance.version }],
      hardware: [{ transports: ['iso', 'com.vmware.guestInfo'], systemTypes: ['vmx-10'] }],
    });
    expect(system.products[0]!.properties.map(({ key, label, value }) => [key, label, value])).toEqual(
      appliance.parameters.map(({ name, label, default: value }) => [
        ...[name, label, value === undefined ? undefined : String(value)],
      ]),
    );
    expect(envelope.configurations.map(({ id, isDefault }) => [id, isDefault])).toEqual([
      ['normal', true],
      ['small', false],
      ['large', false],
    ]);
    const large = system.hardware[0]!.items.filter(({ configurations }) => configurations.includes('large'));
    expect(large.map(({ resourceType, quantity, units }) => [resourceType, quantity, units])).toEqual([
      [3, 16, 'hertz * 10^6'],
      [4, 8192, 'byte * 2^20'],
    ]);
  });
});
