import type { Boot, MachineSpec, MachineType } from '../driver.js';
import { hardwareError } from './errors.js';

export type Accelerator = 'kvm' | 'hvf' | 'tcg';

/** Machine, accelerator, CPU, memory. */
export function machineArguments(spec: MachineSpec, accelerator: Accelerator): string[] {
  const type = spec.hardware?.machine ?? 'q35';
  if (type === 'microvm' && spec.boot.kind === 'firmware')
    throw hardwareError('a microvm cannot be booted by firmware', 'Use the machine q35 or pc.');
  if (type === 'microvm' && accelerator === 'tcg')
    throw hardwareError('a microvm needs KVM or HVF', 'Use the machine q35 or pc.');
  const size = `${Math.ceil(spec.memory / 2 ** 20)}M`;
  const node = spec.placement?.numaNode;
  return [
    ...['-machine', machine(type, spec.boot) + (node === undefined ? '' : ',memory-backend=ram')],
    ...['-accel', accelerator, '-cpu', accelerator === 'tcg' ? 'max' : 'host'],
    ...['-m', `size=${size}`],
    ...(node === undefined ? [] : ['-object', boundMemory(size, node)]),
    ...['-smp', `cpus=${spec.cpus}`],
  ];
}

const boundMemory = (size: string, node: number) =>
  `memory-backend-ram,id=ram,size=${size},host-nodes=${node},policy=bind`;

/**
 * A kernel of ours gets a machine without what it would only find and leave alone. A system that firmware boots
 * may expect what every PC has: it keeps the keyboard controller and the SMBus. There, graphics=off would have
 * SeaBIOS and boot loaders write their screens to the serial line of the events.
 *
 * microvm has nothing that a guest could measure its time stamp counter by. KVM tells the guest its speed; by
 * emulation, on a loaded host, 22 of 24 boots hung there.
 */
function machine(type: MachineType, boot: Boot): string {
  const direct = boot.kind === 'direct';
  switch (type) {
    case 'q35':
      return direct
        ? 'q35,sata=off,smbus=off,usb=off,vmport=off,smm=off,i8042=off,graphics=off'
        : 'q35,sata=off,usb=off,vmport=off,smm=off';
    case 'pc':
      return direct
        ? 'pc,usb=off,vmport=off,smm=off,i8042=off,graphics=off'
        : 'pc,usb=off,vmport=off,smm=off';
    case 'microvm':
      return 'microvm,pcie=on,usb=off,graphics=off';
  }
}

/** The first is COM1, the guest contract's line of events. A microvm makes only that one by itself. */
export function serialArguments(type: MachineType, id: string, descriptor: number, index: number): string[] {
  const chardev = ['-chardev', `socket,id=${id},fd=${descriptor}`];
  if (type === 'microvm' && index > 0)
    return [...chardev, '-device', `isa-serial,index=${index},chardev=${id}`];
  return [...chardev, '-serial', `chardev:${id}`];
}

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
