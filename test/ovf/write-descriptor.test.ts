import fc from 'fast-check';
import { XmlDocument, XmlElement } from 'libxml2-wasm';
import { describe, expect, it } from 'vitest';
import type { DescriptorSpec } from '../../src/ovf/descriptor-spec.js';
import { descriptorLength, writeDescriptor } from '../../src/ovf/write-descriptor.js';
import { blankOutput, combined, full, minimal, thin } from './descriptor-samples.js';
import { needsSchemas, schemas, withoutSchemas, xmllint } from './schemas.js';

const oddText = `<&>"' \t\r\n]]> --> ü 🚀 &#10; &amp; \u0085\u2028 \${n}`;
const odd: DescriptorSpec = {
  ...full,
  appliance: {
    ...full.appliance,
    ...{ version: oddText, description: oddText, vendor: oddText, eula: oddText },
    parameters: [{ name: 'odd', type: 'string', default: oddText, label: oddText, values: [oddText] }],
    deploymentOptions: [{ id: 'odd', label: oddText, description: oddText, cpus: 1, memory: 1 }],
  },
  operatingSystem: { id: 96, version: oddText, description: oddText },
};
const samples = { minimal, full, thin, blankOutput, combined, odd };

const namespaces = {
  ovf: 'http://schemas.dmtf.org/ovf/envelope/1',
  rasd: 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData',
  gva: 'urn:gva:appliance:1',
};

/** Texts of what the XPath finds. */
function find(spec: DescriptorSpec, path: string): string[] {
  using document = XmlDocument.fromString(writeDescriptor(spec));
  return document.root.find(path, namespaces).map((node) => node.content);
}

const elements = (from: XmlElement, path: string): XmlElement[] =>
  from.find(path, namespaces).filter((node) => node instanceof XmlElement);

function names(spec: DescriptorSpec, path: string): string[] {
  using document = XmlDocument.fromString(writeDescriptor(spec));
  return elements(document.root, path).map(({ name }) => name);
}

describe('the descriptor of a package', () => {
  it.skipIf(withoutSchemas).each(['envelope110', 'envelope111'] as const)(
    `is valid under DSP8023: %s${needsSchemas}`,
    async (schema) => {
      const documents = Object.entries(samples).map(([name, spec]) => [`${name}.ovf`, writeDescriptor(spec)]);
      expect(await xmllint(Object.fromEntries(documents) as Record<string, string>, schemas[schema])).toBe(
        '',
      );
    },
  );

  it.skipIf(withoutSchemas)(`would not be valid with an element missing${needsSchemas}`, async () => {
    const broken = writeDescriptor(minimal).replace('<Info>Virtual disks</Info>', '');
    expect(await xmllint({ 'broken.ovf': broken }, schemas.envelope110)).toContain('element is not expected');
  });

  it('has its elements in the order that importers insist on', () => {
    expect(names(full, '/*/*')).toEqual([
      'References',
      'DiskSection',
      'DeploymentOptionSection',
      'VirtualSystem',
    ]);
    expect(names(full, '//ovf:VirtualSystem/*')).toEqual([
      ...['Info', 'Name', 'OperatingSystemSection', 'EulaSection', 'AnnotationSection', 'ProductSection'],
      'VirtualHardwareSection',
    ]);
    expect(names(minimal, '/*/*')).toEqual(['References', 'DiskSection', 'VirtualSystem']);
    using document = XmlDocument.fromString(writeDescriptor(full));
    for (const item of elements(document.root, '//ovf:Item')) {
      const children = elements(item, '*').map(({ name }) => name);
      expect(children).toEqual(children.toSorted());
    }
  });

  it('marks what is an appliance of ours', () => {
    using document = XmlDocument.fromString(writeDescriptor(thin));
    const attributes = (path: string) =>
      elements(document.root, path).map((found) => {
        const all = found.attrs.map(({ prefix, name, value }) => [`${prefix}:${name}`, value]);
        return Object.fromEntries(all) as Record<string, string>;
      });
    const format = 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized';
    expect(attributes('//ovf:Disk')).toEqual([
      {
        ...{ 'ovf:diskId': 'disk-app', 'ovf:fileRef': 'file-app', 'ovf:capacity': '20971520' },
        ...{ 'ovf:format': format, 'gva:role': 'app' },
      },
      {
        ...{ 'ovf:diskId': 'disk-output', 'ovf:fileRef': 'file-output', 'ovf:capacity': '67108864' },
        ...{ 'ovf:format': format, 'gva:role': 'output' },
      },
    ]);
    expect(attributes('//ovf:VirtualSystem')).toEqual([
      {
        ...{ 'ovf:id': 'square', 'gva:contract': '1', 'gva:base': 'micro' },
        ...{ 'gva:baseDigest': thin.base.digest, 'gva:digest': thin.digest },
      },
    ]);
    expect(find(blankOutput, '//ovf:Disk[not(@ovf:fileRef)]/@gva:role')).toEqual(['output']);
    expect(find(full, '//ovf:File/@ovf:href')).toEqual(full.files.map(({ href }) => href));
  });
});

describe('the hardware', () => {
  it('has unique ids, one SCSI controller with place 7 left free, a CD drive on IDE', () => {
    const disks = Array.from({ length: 15 }, (_, index) => ({
      ...{ id: `d${index}`, capacity: 512, role: 'data' as const },
    }));
    const spec = { ...full, files: [], disks };
    const ids = find(spec, '//ovf:Item/rasd:InstanceID');
    expect(new Set(ids).size).toBe(ids.length);
    expect(find(spec, '//ovf:Item[rasd:ResourceType=17]/rasd:AddressOnParent').map(Number)).toEqual([
      ...[0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15],
    ]);
    const scsi = find(spec, '//ovf:Item[rasd:ResourceType=6]/rasd:InstanceID');
    expect(scsi).toHaveLength(1);
    expect(new Set(find(spec, '//ovf:Item[rasd:ResourceType=17]/rasd:Parent'))).toEqual(new Set(scsi));
    expect(find(spec, '//ovf:Item[rasd:ResourceType=15]/rasd:Parent')).toEqual(
      find(spec, '//ovf:Item[rasd:ResourceType=5]/rasd:InstanceID'),
    );
    expect(() => writeDescriptor({ ...spec, disks: [...disks, { ...disks[0]!, id: 'x' }] })).toThrow(
      /too many/,
    );
  });

  it('is that of the default option for importers that know none', () => {
    for (const [type, expected] of [
      [3, ['2', '1', '16']],
      [4, ['512', '256', '8192']],
    ] as const) {
      const items = `//ovf:Item[rasd:ResourceType=${type}]`;
      expect(find(full, `${items}/rasd:VirtualQuantity`)).toEqual(expected);
      expect(find(full, `${items}/@ovf:configuration`)).toEqual(['normal', 'small', 'large']);
      const ids = find(full, `${items}/rasd:InstanceID`).map(Number);
      expect(Math.max(...ids)).toBe(ids[0]);
    }
    expect(find(full, '//ovf:Configuration[@ovf:default="true"]/@ovf:id')).toEqual(['normal']);
    expect(find(full, '//ovf:Configuration/ovf:Description')).toEqual([
      '2 virtual CPUs, 512 MiB of memory',
      '1 virtual CPU, 256 MiB of memory',
      'For big squares',
    ]);
    expect(find(minimal, '//@ovf:configuration')).toEqual([]);
  });

  it('has a whole number of MiB, never too few', () => {
    const appliance = { ...minimal.appliance, hardware: { cpus: 1, memory: 100_000_001 } };
    const spec = { ...minimal, appliance };
    expect(find(spec, '//ovf:Item[rasd:ResourceType=4]/rasd:VirtualQuantity')).toEqual(['96']);
  });
});

describe('the parameters', () => {
  it('are properties with types, limits and defaults', () => {
    using document = XmlDocument.fromString(writeDescriptor(full));
    const properties = elements(document.root, '//ovf:Property').map((property) => {
      const text = (name: string) => property.attr(name, 'ovf')?.value;
      return [text('key'), text('type'), text('qualifiers'), text('value')];
    });
    expect(properties).toEqual([
      ['n', 'sint64', 'MinValue(0),MaxValue(9007199254740991)', '7'],
      ['scale', 'real64', 'MinValue(0.001)', '0.1'],
      ['prime', 'sint64', 'ValueMap{2,3,5}', undefined],
      ['mode', 'string', 'ValueMap{"a\\"b","c,}d","e\\\\f","g\nh"}', 'a"b'],
      ['note', 'string', undefined, ''],
      ['loud', 'boolean', undefined, 'false'],
    ]);
    expect(find(full, '//ovf:Property/ovf:Description')).toEqual([
      'An integer, at least 0, at most 9007199254740991',
      'A number, at least 0.001',
      'An integer, must be given',
      'Text',
      'Text',
      'true or false',
    ]);
  });
});

describe('texts', () => {
  it('come back as they were, whatever is in them', async () => {
    const first: Record<string, string> = {};
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        const spec = { ...odd, appliance: { ...odd.appliance, vendor: a, eula: b, description: a } };
        const parameters = [{ name: 'x', type: 'string' as const, default: b, label: a }];
        const text = writeDescriptor({ ...spec, appliance: { ...spec.appliance, parameters } });
        const count = Object.keys(first).length;
        if (count < 50) first[`${count}.ovf`] = text;
        using document = XmlDocument.fromString(text);
        const read = (path: string) => document.root.get(path, namespaces)?.content;
        expect(read('//ovf:Vendor')).toBe(asXml(a));
        expect(read('//ovf:License')).toBe(asXml(b));
        expect(read('//ovf:Annotation')).toBe(asXml(a));
        expect(read('//ovf:Property/@ovf:value')).toBe(asXml(b));
        expect(read('//ovf:Property/ovf:Label')).toBe(asXml(a));
      }),
    );
    expect(await xmllint(first)).toBe('');
  });

  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({
      unit: fc.constantFrom(
        '<',
        '>',
        '&',
        '"',
        "'",
        '\t',
        '\r',
        '\n',
        ' ',
        ']',
        '#',
        '1',
        ';',
        '\0',
        '\ufffe',
        '\ud800',
        '\f',
      ),
      maxLength: 40,
    }),
  );

  /** XML 1.0, 2.2: the characters that a document can hold; others are replaced. */
  const asXml = (text: string) =>
    Array.from(text, (char) =>
      /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd]$|^[^]{2}$/.test(char) ? char : '\ufffd',
    ).join('');
});

describe('the length', () => {
  it('is known before the sizes of the files are', () => {
    const unknown: DescriptorSpec = {
      ...full,
      files: full.files.map((file) => ({ ...file, size: 0 })),
      disks: full.disks.map((disk) => ({ ...disk, populatedSize: 0 })),
    };
    const huge: DescriptorSpec = {
      ...full,
      files: full.files.map((file) => ({ ...file, size: Number.MAX_SAFE_INTEGER })),
      disks: full.disks.map((disk) => ({ ...disk, populatedSize: Number.MAX_SAFE_INTEGER })),
    };
    for (const spec of [unknown, full, huge]) {
      const text = writeDescriptor(spec);
      expect(Buffer.byteLength(text)).toBe(descriptorLength(unknown));
      expect(text).toMatch(/<\/Envelope> *\n$/);
    }
    expect(Buffer.byteLength(writeDescriptor(odd))).toBe(descriptorLength(odd));
  });
});

describe('a spec that some importer would refuse', () => {
  it.each<[string, Partial<DescriptorSpec>]>([
    ['a path as name', { files: [{ id: 'file-app', href: '../x.vmdk', size: 1 }] }],
    ['a blank in a name', { files: [{ id: 'file-app', href: 'x y.vmdk', size: 1 }] }],
    ['a name twice', { files: [...full.files, { id: 'z', href: 'square-app.vmdk', size: 1 }] }],
    ['an id twice', { disks: [full.disks[0]!, full.disks[0]!] }],
    ['a file that is not there', { disks: [{ id: 'x', fileRef: 'y', capacity: 1, role: 'app' }] }],
    ['half a byte', { disks: [{ id: 'x', capacity: 0.5, role: 'app' }] }],
  ])('is a bug: %s', (_what, change) => {
    expect(() => writeDescriptor({ ...full, ...change })).toThrow();
  });
});
