/** Kernels that have drivers for whatever a hypervisor shows its guests: Debian's, then Ubuntu's. */
export const portableKernelPackages = ['linux-image-amd64', 'linux-image-generic'];

/**
 * Messages go to the screen, and to a second serial port where there is one, as GVA's own machines have; the first
 * is the line of events. What costs time and guards nothing here is off: a guest holds one application, which is
 * root there anyway. The timer's check fails on loaded hosts.
 */
export const portableCommandLine =
  'console=tty0 console=ttyS1 quiet no_timer_check mitigations=off audit=0 cryptomgr.notests';

/** Loaded at once: the way to virtio's devices, disks and CDs of whatever SCSI or ATA controller, the root's ext4. */
export const firstModules = ['virtio_pci', 'sd_mod', 'sr_mod', 'crc32c_generic', 'ext4'];

/** Loaded where the machine has such a device. */
export const deviceModules = [
  ...['virtio_blk', 'virtio_scsi', 'nvme', 'ahci', 'ata_piix'],
  // VMware, and the old controllers that VirtualBox and QEMU show.
  ...['vmw_pvscsi', 'mptspi', 'mptsas', 'BusLogic', 'sym53c8xx', 'megaraid_sas'],
  // Hyper-V, Xen.
  ...['hv_storvsc', 'xen_blkfront'],
  ...['usb_storage', 'uas', 'xhci_pci', 'ehci_pci', 'uhci_hcd', 'ohci_pci'],
  // By which a guest tells QEMU that it panics.
  'pvpanic_pci',
];
