/** Kernels that have drivers for whatever a hypervisor shows its guests: Debian's, then Ubuntu's. */
export const portableKernelPackages = ['linux-image-amd64', 'linux-image-generic'];

/**
 * Messages go to a second serial port, as GVA's own machines have, and to the screen, which comes last: the kernel
 * takes a port for a console even where there is none, and that would be the one of /dev/console. The first serial
 * port is the line of events. What costs time and guards nothing here is off: a guest holds one application, which
 * is root there anyway. The timer's check fails on loaded hosts.
 */
export const portableCommandLine = [
  ...['console=ttyS1', 'console=tty0', 'quiet', 'no_timer_check'],
  ...['mitigations=off', 'nokaslr', 'audit=0', 'cryptomgr.notests'],
].join(' ');

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
