/** Kinds of machines and of disk controllers; names are QEMU's. */

export const machineTypes = ['q35', 'pc', 'microvm'] as const;
export type MachineType = (typeof machineTypes)[number];

export const controllers = [
  ...['virtio-blk', 'virtio-scsi', 'nvme', 'ide', 'ahci'],
  ...['lsi53c895a', 'pvscsi', 'megasas', 'mptsas1068'],
] as const satisfies string[];
export type Controller = (typeof controllers)[number];

/**
 * What images that were not made for us may need otherwise. User-mode Linux has one kind of machine and of disk and
 * heeds none of it.
 */
export interface Hardware {
  /** q35 where absent. */
  readonly machine?: MachineType;
  /** Of all disks; virtio-blk where absent. */
  readonly controller?: Controller;
  /** The drive that holds the disk `cdrom`; where absent it is a read-only disk like another, which is faster. */
  readonly cdDrive?: 'scsi-cd' | 'ide-cd';
}
