import { type DeploymentOption, normalOption } from '../model/appliance.js';
import { formatSize } from '../system/units.js';
import {
  type DescribedAppliance,
  type DescriptorDisk,
  type DescriptorSpec,
  scsiPlaces,
} from './descriptor-spec.js';
import { type XmlElement, element, textElement } from './xml-writer.js';

/** CIM_ResourceAllocationSettingData.ResourceType. */
const resource = { cpu: 3, memory: 4, ide: 5, scsi: 6, cd: 15, disk: 17 } as const;

/** Children of an Item, without the prefix; ids are numbers, as VirtualBox wants them. */
type ItemFields = Readonly<Record<string, string | number | boolean>>;

/** The id is that of a deployment option, where there are any. */
type HardwareSize = DescribedAppliance['hardware'] & { readonly id?: string };

/** Options to choose from, the default first; none where there is nothing to choose. */
function deploymentOptions({ hardware, deploymentOptions: others = [] }: DescribedAppliance) {
  const normal: DeploymentOption = { id: normalOption, label: 'Normal', ...hardware };
  return others.length === 0 ? [] : [normal, ...others];
}

/** DeploymentOptionSection (DSP0243 1.1.0, 9.8). */
export function deploymentOptionSection(appliance: DescribedAppliance): XmlElement[] {
  const options = deploymentOptions(appliance);
  if (options.length === 0) return [];
  const configurations = options.map(({ id, label, description, cpus, memory }) =>
    element('Configuration', { 'ovf:id': id, 'ovf:default': id === normalOption || undefined }, [
      ...textElement('Label', label),
      ...textElement('Description', description ?? `${countCpus(cpus)}, ${formatSize(memory)} of memory`),
    ]),
  );
  return [
    element('DeploymentOptionSection', {}, [
      ...textElement('Info', 'Hardware to choose from'),
      ...configurations,
    ]),
  ];
}

const countCpus = (cpus: number) => `${cpus} virtual CPU${cpus === 1 ? '' : 's'}`;

/**
 * VirtualHardwareSection (DSP0243 1.1.0, 8): what VMware, VirtualBox, Proxmox and libvirt all have. The CD drive is
 * what the transport `iso` needs; without it VMware refuses the package.
 */
export function hardwareSection({ appliance, disks }: DescriptorSpec): XmlElement {
  const choices = deploymentOptions(appliance);
  const sizes: readonly HardwareSize[] = choices.length === 0 ? [appliance.hardware] : choices;
  const first = 2 * sizes.length + 1;
  const [scsi, ide, cd] = [first, first + 1, first + 2] as const;
  const system = element('System', {}, [
    ...textElement('vssd:ElementName', 'Virtual Hardware Family'),
    ...textElement('vssd:InstanceID', 0),
    ...textElement('vssd:VirtualSystemIdentifier', appliance.name),
    ...textElement('vssd:VirtualSystemType', 'vmx-10'),
  ]);
  return element('VirtualHardwareSection', { 'ovf:transport': 'iso com.vmware.guestInfo' }, [
    ...textElement('Info', 'Virtual hardware'),
    system,
    ...perOption(sizes, 1, ({ cpus }) => cpuFields(cpus)),
    ...perOption(sizes, 1 + sizes.length, ({ memory }) => memoryFields(memory)),
    item(scsiController(scsi)),
    item(ideController(ide)),
    item(cdDrive(cd, ide)),
    ...disks.map((disk, index) => item(diskDrive(disk, index, cd + 1 + index, scsi))),
  ]);
}

/**
 * One Item per option, the default first. Importers without a notion of options take the first Item of a kind
 * (virt-v2v) or that of the highest id (VirtualBox): the default is both.
 */
function perOption(
  options: readonly HardwareSize[],
  firstId: number,
  fields: (option: HardwareSize) => ItemFields,
): XmlElement[] {
  const last = firstId + options.length - 1;
  return options.map((option, index) =>
    item({ ...fields(option), InstanceID: index === 0 ? last : firstId + index - 1 }, option.id),
  );
}

const cpuFields = (cpus: number) => ({
  AllocationUnits: 'hertz * 10^6',
  Description: 'Number of virtual CPUs',
  ElementName: countCpus(cpus),
  ResourceType: resource.cpu,
  VirtualQuantity: cpus,
});

function memoryFields(bytes: number) {
  const mebibytes = Math.ceil(bytes / 2 ** 20);
  return {
    AllocationUnits: 'byte * 2^20',
    Description: 'Memory size',
    ElementName: `${mebibytes} MiB of memory`,
    ResourceType: resource.memory,
    VirtualQuantity: mebibytes,
  };
}

const scsiController = (id: number): ItemFields => ({
  Address: 0,
  Description: 'SCSI controller',
  ElementName: 'SCSI controller 0',
  InstanceID: id,
  ResourceSubType: 'lsilogic',
  ResourceType: resource.scsi,
});

const ideController = (id: number): ItemFields => ({
  Address: 0,
  Description: 'IDE controller',
  ElementName: 'IDE controller 0',
  InstanceID: id,
  ResourceType: resource.ide,
});

const cdDrive = (id: number, parent: number): ItemFields => ({
  AddressOnParent: 0,
  AutomaticAllocation: false,
  Description: 'For the parameters',
  ElementName: 'CD drive 1',
  InstanceID: id,
  Parent: parent,
  ResourceType: resource.cd,
});

const diskDrive = (disk: DescriptorDisk, index: number, id: number, parent: number): ItemFields => ({
  AddressOnParent: scsiPlaces[index] ?? index,
  Description: `Disk: ${disk.role}`,
  ElementName: `Hard disk ${index + 1}`,
  HostResource: `ovf:/disk/${disk.id}`,
  InstanceID: id,
  Parent: parent,
  ResourceType: resource.disk,
});

/** The schema wants the fields in the order of the alphabet. */
function item(fields: ItemFields, option?: string): XmlElement {
  const children = Object.entries(fields)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => textElement(`rasd:${name}`, String(value)));
  return element('Item', { 'ovf:configuration': option }, children);
}
