import type { HardwareItem } from '../../model/envelope.js';

/** Controllers of disks and CD drives, by what a guest needs a driver for. */
export type ControllerKind =
  | 'ide'
  | 'ahci'
  | 'lsilogic'
  | 'lsilogicsas'
  | 'buslogic'
  | 'pvscsi'
  | 'virtio-scsi'
  | 'virtio-blk'
  | 'nvme'
  | 'usb';

/** CIM_ResourceAllocationSettingData.ResourceType, those that matter here. */
export const resource = {
  cpu: 3,
  memory: 4,
  ide: 5,
  scsi: 6,
  ethernet: 10,
  floppy: 14,
  cd: 15,
  dvd: 16,
  disk: 17,
  storageExtent: 19,
  otherStorage: 20,
  serialPort: 21,
  usb: 23,
  graphics: 24,
  logicalDisk: 31,
  sound: 35,
} as const;

/** Disks, also as the example of the standard and XenServer have them. */
export const diskTypes: readonly number[] = [resource.disk, resource.storageExtent, resource.logicalDisk];

/** What VMware, VirtualBox, oVirt and others write as ResourceSubType, in lower case. */
const SUBTYPES: ReadonlyMap<string, ControllerKind> = new Map<string, ControllerKind>([
  ['piix3', 'ide'],
  ['piix4', 'ide'],
  ['ich6', 'ide'],
  ['ide', 'ide'],
  ['ahci', 'ahci'],
  ['sata', 'ahci'],
  ['vmware.sata.ahci', 'ahci'],
  ['lsilogic', 'lsilogic'],
  ['lsilogicsas', 'lsilogicsas'],
  ['buslogic', 'buslogic'],
  ['virtualscsi', 'pvscsi'],
  ['paravirtual', 'pvscsi'],
  ['pvscsi', 'pvscsi'],
  ['virtio', 'virtio-blk'],
  ['virtio-blk', 'virtio-blk'],
  ['virtio_scsi', 'virtio-scsi'],
  ['virtio-scsi', 'virtio-scsi'],
  ['virtioscsi', 'virtio-scsi'],
  ['nvme', 'nvme'],
  ['vmware.nvme.controller', 'nvme'],
]);

/** Addresses on a controller: how many, and those that are its own. */
const SLOTS: Readonly<Record<ControllerKind, { readonly count: number; readonly own?: number }>> = {
  ide: { count: 2 },
  ahci: { count: 30 },
  lsilogic: { count: 16, own: 7 },
  lsilogicsas: { count: 16, own: 7 },
  buslogic: { count: 16, own: 7 },
  pvscsi: { count: 64, own: 7 },
  'virtio-scsi': { count: 256 },
  'virtio-blk': { count: 32 },
  nvme: { count: 15 },
  usb: { count: 8 },
};

/**
 * The kind of an item; undefined where it is no controller. `known` is false where its subtype is not known:
 * then it is what VMware and VirtualBox take for such a type.
 */
export function controllerKind(
  item: HardwareItem,
): { readonly kind: ControllerKind; readonly known: boolean } | undefined {
  const { resourceType, subtypes } = item;
  if (resourceType === resource.ide) return { kind: 'ide', known: true };
  if (resourceType === resource.usb) return { kind: 'usb', known: true };
  if (resourceType !== resource.scsi && resourceType !== resource.otherStorage) return undefined;
  const kind = kindNamed(subtypes);
  if (kind !== undefined) return { kind, known: true };
  return { kind: resourceType === resource.scsi ? 'lsilogic' : 'ahci', known: subtypes.length === 0 };
}

/** Of alternatives the first; BusLogic, which few guests know today, only where there is no other. */
export function kindNamed(names: readonly string[]): ControllerKind | undefined {
  const kinds = names.map((name) => SUBTYPES.get(name.toLowerCase())).filter((kind) => kind !== undefined);
  return kinds.find((kind) => kind !== 'buslogic') ?? kinds[0];
}

/** Whether a device may have this address on a controller of the kind. */
export function isSlot(kind: ControllerKind, address: number): boolean {
  const { count, own } = SLOTS[kind];
  return Number.isInteger(address) && address >= 0 && address < count && address !== own;
}

/** All addresses that devices may have, lowest first. */
export function slotsOf(kind: ControllerKind): number[] {
  return Array.from({ length: SLOTS[kind].count }, (_, address) => address).filter((address) =>
    isSlot(kind, address),
  );
}
