import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Envelope } from '../../src/model/envelope.js';
import { readDescriptor } from '../../src/ovf/read-descriptor.js';
import { packageRoot } from '../../src/system/package.js';

/** Descriptors that other tools wrote; beside the checkout and no part of it. */
export const corpusFolder = join(packageRoot, '../shared/ovf/corpus');

/** Paths in the corpus, sorted; empty where there is none. */
export function corpusFiles(): string[] {
  try {
    const all = readdirSync(corpusFolder, { recursive: true, encoding: 'utf8' });
    return all.filter((path) => /\.(ovf|ova|xml)$/.test(path) && !path.endsWith('ovf-env.xml')).sort();
  } catch {
    return [];
  }
}

export const withoutCorpus = corpusFiles().length === 0;
export const needsCorpus = withoutCorpus ? ' [no ../shared/ovf/corpus here]' : '';

/** The parts of a descriptor; each replaces a default that is valid. */
export interface Parts {
  readonly namespace?: string;
  readonly attributes?: string;
  readonly references?: string;
  readonly disks?: string;
  readonly envelope?: string;
  readonly system?: string;
  readonly hardware?: string;
  /** All of the items. */
  readonly items?: string;
  readonly strings?: string;
}

const defaults: Required<Parts> = {
  namespace: 'http://schemas.dmtf.org/ovf/envelope/1',
  attributes: '',
  references: '<File ovf:id="file1" ovf:href="disk.vmdk" ovf:size="70000"/>',
  disks: '<Disk ovf:diskId="disk1" ovf:fileRef="file1" ovf:capacity="1048576"/>',
  envelope: '',
  system: '',
  hardware: '',
  strings: '',
  items: '',
};

/** A descriptor of one system, a line for each part. */
export function descriptor(parts: Parts = {}): string {
  const { namespace, attributes, references, disks, envelope, system, hardware, strings, items } = {
    ...defaults,
    items: [cpu(), memory(), scsi(), disk()].join(''),
    ...parts,
  };
  return `<?xml version="1.0"?>
<Envelope xmlns="${namespace}" xmlns:ovf="${namespace}" ${attributes}
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
 xmlns:vmw="http://www.vmware.com/schema/ovf" xmlns:vbox="http://www.virtualbox.org/ovf/machine" xmlns:other="urn:x">
<References>${references}</References>
<DiskSection><Info>disks</Info>${disks}</DiskSection>
${envelope}
<VirtualSystem ovf:id="vm"><Info>a machine</Info>
${system}
<VirtualHardwareSection><Info>hardware</Info>
${items}
${hardware}
</VirtualHardwareSection></VirtualSystem>
${strings}
</Envelope>
`;
}

/** An Item with these settings, in the order given. */
export function item(settings: Readonly<Record<string, string | number>>, attributes = ''): string {
  const children = Object.entries(settings).map(([name, value]) => `<rasd:${name}>${value}</rasd:${name}>`);
  return `<Item ${attributes}>${children.join('')}</Item>\n`;
}

type Settings = Readonly<Record<string, string | number>>;

export const cpu = (more: Settings = {}, attributes = '') =>
  item({ InstanceID: 1, ResourceType: 3, VirtualQuantity: 2, ...more }, attributes);
export const memory = (more: Settings = {}, attributes = '') =>
  item(
    { InstanceID: 2, ResourceType: 4, VirtualQuantity: 512, AllocationUnits: 'byte * 2^20', ...more },
    attributes,
  );
export const scsi = (more: Settings = {}) =>
  item({ InstanceID: 3, ResourceType: 6, ResourceSubType: 'lsilogic', Address: 0, ...more });
export const disk = (more: Settings = {}) =>
  item({
    ...{ InstanceID: 4, ResourceType: 17, Parent: 3, AddressOnParent: 0 },
    ...{ HostResource: 'ovf:/disk/disk1', ...more },
  });

export function read(text: string): Envelope {
  return readDescriptor(Buffer.from(text), 'x.ovf');
}

/** `error 5 message` of each problem. */
export function told({ problems }: Pick<Envelope, 'problems'>): string[] {
  return problems.map(
    ({ severity, place, message }) => `${severity} ${place.replace('x.ovf:', '')} ${message}`,
  );
}
