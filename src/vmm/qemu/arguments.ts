import type { Disk, MachineSpec } from '../driver.js';
import { consoleDescriptor, eventsDescriptor } from '../supervisor.js';

export type Accelerator = 'kvm' | 'tcg';

/** The whole command line of a machine that is started by direct kernel boot. */
export function qemuArguments(spec: MachineSpec, accelerator: Accelerator): string[] {
  return [
    ...['-name', `gva-${spec.id}`],
    ...machine(accelerator),
    ...['-m', `size=${Math.ceil(spec.memory / 2 ** 20)}M`],
    ...['-smp', `cpus=${spec.cpus}`],
    ...isolation,
    ...['-kernel', spec.kernel, '-initrd', spec.initrd, '-append', kernelCommandLine(accelerator)],
    ...serialPort('events', eventsDescriptor),
    ...serialPort('console', consoleDescriptor),
    ...spec.disks.flatMap(disk),
  ];
}

/**
 * A q35 without what no guest of ours uses. Not microvm: its calibration of the time stamp counter hangs now
 * and then on a loaded host.
 */
function machine(accelerator: Accelerator): string[] {
  const trimmed = 'q35,sata=off,smbus=off,usb=off,vmport=off,smm=off,i8042=off,graphics=off';
  return ['-machine', trimmed, '-accel', accelerator, '-cpu', accelerator === 'kvm' ? 'host' : 'max'];
}

const isolation = [
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
  ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
];

/**
 * `panic=-1` with -no-reboot makes a panic end QEMU at once. The self tests of the cryptography and the
 * mitigations of CPU bugs are off: a guest holds one application, which is root there anyway, and keeping
 * it in is the VMM's work. `no_timer_check`: under load the check fails and the boot hangs.
 */
export function kernelCommandLine(accelerator: Accelerator): string {
  const emulated = accelerator === 'tcg' ? ['tsc=reliable', 'random.trust_cpu=on'] : [];
  return [
    ...['console=ttyS1', 'quiet', 'panic=-1', 'no_timer_check', ...emulated],
    ...['audit=0', 'cryptomgr.notests', 'nokaslr', 'mitigations=off', 'nopti'],
  ].join(' ');
}

function serialPort(id: string, descriptor: number): string[] {
  return ['-chardev', `socket,id=${id},fd=${descriptor}`, '-serial', `chardev:${id}`];
}

function disk(disk: Disk): string[] {
  const file = disk.access === 'overlay' ? (disk.overlay ?? '') : disk.image;
  const options = [
    `file=${escapeValue(file)}`,
    `format=${disk.access === 'overlay' ? 'qcow2' : 'raw'}`,
    ...['if=none', `id=${disk.id}`, `readonly=${disk.access === 'read-only' ? 'on' : 'off'}`],
    // Images below overlays are never written. QEMU would take the whole-file lock of a User-mode Linux on
    // the same image for a writer's.
    ...(disk.access === 'overlay' ? ['backing.file.locking=off'] : []),
    // Work disks of one run: what a crash of the host loses is run again, so no flush need reach the platter.
    ...['cache=unsafe', 'discard=unmap'],
  ];
  return ['-drive', options.join(','), '-device', `virtio-blk-pci,drive=${disk.id},serial=gva-${disk.id}`];
}

/** A comma in an option's value is written twice (QEMU manual, "-drive"). */
const escapeValue = (value: string) => value.replaceAll(',', ',,');
