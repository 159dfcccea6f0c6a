import type { Controller, Disk, Hardware, MachineType } from '../driver.js';
import { hardwareError } from './errors.js';

/** A kind of disk controller. */
interface Bus {
  /** The device that makes it; undefined where the machine has it, or each drive brings its own. */
  readonly device?: string;
  readonly slots: number;
  /** ATA knows no disk that is read-only, and QEMU refuses one: such a disk is put into a CD drive. */
  readonly ata?: boolean;
  /** The device of a drive, as far as it says where the drive is; `kind`: disk or CD. */
  readonly drive: (slot: number, kind: 'hd' | 'cd') => string;
}

const scsi = (device: string, slots: number): Bus => ({
  device: `${device},id=scsi0`,
  slots,
  drive: (slot, kind) => `scsi-${kind},bus=scsi0.0,scsi-id=${slot}`,
});

/** Slots: of PCI what the smallest machine has free; else the targets that QEMU's controller takes. */
const buses: Readonly<Record<Controller, Bus>> = {
  'virtio-blk': { slots: 24, drive: () => 'virtio-blk-pci' },
  nvme: { slots: 24, drive: () => 'nvme' },
  'virtio-scsi': scsi('virtio-scsi-pci', 256),
  lsi53c895a: scsi('lsi53c895a', 7),
  pvscsi: scsi('pvscsi', 64),
  megasas: scsi('megasas', 64),
  mptsas1068: {
    ...scsi('mptsas1068,sas_address=0x5000c50000000000', 8),
    // A SAS controller finds drives by their world wide names.
    drive: (slot, kind) => `scsi-${kind},bus=scsi0.0,scsi-id=${slot},wwn=0x5000c5010000000${slot}`,
  },
  ide: { slots: 4, ata: true, drive: (slot, kind) => `ide-${kind},bus=ide.${slot >> 1},unit=${slot & 1}` },
  ahci: {
    device: 'ich9-ahci,id=ahci0',
    ata: true,
    slots: 6,
    drive: (slot, kind) => `ide-${kind},bus=ahci0.${slot}`,
  },
};

/** Disks and their controllers, in the disks' order. */
export function diskArguments(disks: readonly Disk[], hardware: Hardware, bootFirst: boolean): string[] {
  const controller = hardware.controller ?? 'virtio-blk';
  const machine = hardware.machine ?? 'q35';
  const used = new Map<Controller, number>();
  return disks.flatMap((disk, index) => {
    const cd = disk.id === 'cdrom' ? hardware.cdDrive : undefined;
    const name = cd === undefined ? controller : cdController(cd, controller, machine);
    const bus = buses[name];
    const slot = used.get(name) ?? 0;
    used.set(name, slot + 1);
    checkSlot(name, slot, machine);
    const inCdDrive = cd !== undefined || (bus.ata && disk.access === 'read-only');
    const place = bus.drive(slot, inCdDrive ? 'cd' : 'hd');
    const order = bootFirst && index === 0 ? ',bootindex=0' : '';
    return [
      ...(slot === 0 && bus.device !== undefined ? ['-device', bus.device] : []),
      ...['-drive', drive(disk)],
      ...['-device', `${place},drive=${disk.id},serial=gva-${disk.id}${order}`],
    ];
  });
}

/** Where a CD drive goes: to the disks' own controller where that takes it, else to one beside it. */
function cdController(cd: 'scsi-cd' | 'ide-cd', controller: Controller, machine: MachineType): Controller {
  const own = buses[controller].drive(0, 'cd').split(',')[0];
  if (own === cd) return controller;
  if (cd === 'scsi-cd') return 'virtio-scsi';
  return machine === 'pc' ? 'ide' : 'ahci';
}

function checkSlot(name: Controller, slot: number, machine: MachineType): void {
  if (name === 'ide' && machine !== 'pc')
    throw hardwareError(`the machine ${machine} has no IDE controller`, 'Use the machine pc, or ahci.');
  const { slots } = buses[name];
  if (slot >= slots)
    throw hardwareError(`${name} takes ${slots} drives and no more`, 'Use virtio-blk or virtio-scsi.');
}

function drive(disk: Disk): string {
  const file = disk.access === 'overlay' ? (disk.overlay ?? '') : disk.image;
  return [
    `file=${escapeValue(file)}`,
    `format=${disk.access === 'overlay' ? 'qcow2' : 'raw'}`,
    ...['if=none', `id=${disk.id}`, `readonly=${disk.access === 'read-only' ? 'on' : 'off'}`],
    // Images below overlays are never written. QEMU would take the whole-file lock of a User-mode Linux on
    // the same image for a writer's.
    ...(disk.access === 'overlay' ? ['backing.file.locking=off'] : []),
    ...(disk.backing === undefined ? [] : ['backing.backing.file.locking=off']),
    // Work disks of one run: what a crash of the host loses is run again, so no flush need reach the platter.
    ...['cache=unsafe', 'discard=unmap'],
  ].join(',');
}

/** A comma in an option's value is written twice (QEMU manual, "-drive"). */
export const escapeValue = (value: string) => value.replaceAll(',', ',,');
