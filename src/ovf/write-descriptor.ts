import { type DescriptorDisk, type DescriptorSpec, checkDescriptorSpec } from './descriptor-spec.js';
import { deploymentOptionSection, hardwareSection } from './hardware-section.js';
import { productSection } from './product-section.js';
import { type XmlElement, element, textElement, xmlDocument } from './xml-writer.js';

/** Namespace of GVA's own attributes: `role` of a disk, facts about an appliance at its VirtualSystem. */
export const gvaNamespace = 'urn:gva:appliance:1';

/** What the `format` of a disk says (VMware's URI for it). */
export const streamOptimizedFormat =
  'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized';

const ovfNamespace = 'http://schemas.dmtf.org/ovf/envelope/1';
const cim = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2';

/**
 * The descriptor of an appliance's package: OVF 1.1 (DSP0243 1.1.0; valid under the schema DSP8023 1.1.0 and 1.1.1).
 * The same spec gives the same bytes, and their number does not depend on the sizes of files and what is
 * populated of disks: white space before the final line end makes up for shorter numbers.
 */
export function writeDescriptor(spec: DescriptorSpec): string {
  checkDescriptorSpec(spec);
  const text = xmlDocument(envelope(spec));
  const blanks = descriptorLength(spec) - Buffer.byteLength(text);
  return `${text.slice(0, -1)}${' '.repeat(blanks)}\n`;
}

/**
 * Bytes of the descriptor, whatever the sizes of its files and the populated sizes of its disks will be: a
 * package can be written in one pass with the descriptor in front. Which disks have a populated size must be
 * known.
 */
export function descriptorLength(spec: DescriptorSpec): number {
  const widest = Number.MAX_SAFE_INTEGER;
  const files = spec.files.map((file) => ({ ...file, size: widest }));
  const disks = spec.disks.map((disk) =>
    disk.populatedSize === undefined ? disk : { ...disk, populatedSize: widest },
  );
  return Buffer.byteLength(xmlDocument(envelope({ ...spec, files, disks })));
}

function envelope(spec: DescriptorSpec): XmlElement {
  const namespaces = {
    xmlns: ovfNamespace,
    'xmlns:ovf': ovfNamespace,
    'xmlns:rasd': `${cim}/CIM_ResourceAllocationSettingData`,
    'xmlns:vssd': `${cim}/CIM_VirtualSystemSettingData`,
    'xmlns:gva': gvaNamespace,
  };
  const files = spec.files.map(({ id, href, size }) =>
    element('File', { 'ovf:id': id, 'ovf:href': href, 'ovf:size': size }),
  );
  return element('Envelope', namespaces, [
    element('References', {}, files),
    element('DiskSection', {}, [...textElement('Info', 'Virtual disks'), ...spec.disks.map(disk)]),
    ...deploymentOptionSection(spec.appliance),
    virtualSystem(spec),
  ]);
}

function disk({ id, fileRef, capacity, populatedSize, role }: DescriptorDisk): XmlElement {
  return element('Disk', {
    'ovf:diskId': id,
    'ovf:fileRef': fileRef,
    'ovf:capacity': capacity,
    'ovf:populatedSize': populatedSize,
    'ovf:format': streamOptimizedFormat,
    'gva:role': role,
  });
}

function virtualSystem(spec: DescriptorSpec): XmlElement {
  const { name, description, eula } = spec.appliance;
  const attributes = {
    'ovf:id': name,
    'gva:contract': spec.contract,
    'gva:base': spec.base.name,
    'gva:baseDigest': spec.base.digest,
    'gva:digest': spec.digest,
    'gva:warm': spec.appliance.warm,
  };
  return element('VirtualSystem', attributes, [
    ...textElement('Info', 'A virtual machine that runs one application and powers off'),
    ...textElement('Name', name),
    operatingSystemSection(spec),
    ...textSection('EulaSection', 'Licence', 'License', eula),
    ...textSection('AnnotationSection', 'About the application', 'Annotation', description),
    productSection(spec),
    hardwareSection(spec),
  ]);
}

function operatingSystemSection({ operatingSystem: { id, version, description } }: DescriptorSpec) {
  return element('OperatingSystemSection', { 'ovf:id': id, 'ovf:version': version }, [
    ...textElement('Info', 'Operating system of the guest'),
    ...textElement('Description', description),
  ]);
}

function textSection(section: string, info: string, name: string, text: string | undefined): XmlElement[] {
  if (text === undefined) return [];
  return [element(section, {}, [...textElement('Info', info), ...textElement(name, text)])];
}
