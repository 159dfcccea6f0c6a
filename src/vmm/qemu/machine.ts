import type { Architecture } from '../../model/base.js';
import type { Boot, MachineSpec, MachineType } from '../driver.js';
import { escapeValue } from './disks.js';
import { hardwareError } from './errors.js';

export type Accelerator = 'kvm' | 'hvf' | 'tcg';

/** What of this host a command line depends on. */
export interface QemuHost {
  /** Of the guest; x86_64 where absent. */
  readonly arch?: Architecture;
  readonly accelerator: Accelerator;
  /** QEMU's seccomp filter, which only Linux has. */
  readonly sandbox: boolean;
  /** Folders that QEMU looks for its own firmware in before all others. */
  readonly dataFolders: readonly string[];
  /** The code of the UEFI firmware, for machines that it boots. */
  readonly uefiCode?: string;
  /** Memory that begins as a file needs that file for reading only; false where absent. Since QEMU 9.0. */
  readonly readOnlyMemoryFile?: boolean;
}

/** Machine, accelerator, CPU, memory. */
export function machineArguments(
  spec: MachineSpec,
  host: Pick<QemuHost, 'arch' | 'accelerator' | 'readOnlyMemoryFile'>,
): string[] {
  const { arch = 'x86_64', accelerator, readOnlyMemoryFile = false } = host;
  const type = spec.hardware?.machine ?? 'q35';
  if (arch !== 'x86_64' && spec.boot.kind === 'firmware')
    throw hardwareError(
      `a machine of ${arch} cannot be booted by firmware yet`,
      'Use a base that boots directly.',
    );
  if (type === 'microvm' && spec.boot.kind === 'firmware')
    throw hardwareError('a microvm cannot be booted by firmware', 'Use the machine q35 or pc.');
  if (type === 'microvm' && accelerator === 'tcg')
    throw hardwareError('a microvm needs KVM or HVF', 'Use the machine q35 or pc.');
  const size = `${Math.ceil(spec.memory / 2 ** 20)}M`;
  const backend = memoryBackend(spec, size, readOnlyMemoryFile);
  return [
    ...[
      '-machine',
      (arch === 'x86_64' ? machine(type, spec.boot) : armMachine) +
        (backend === undefined ? '' : ',memory-backend=ram'),
    ],
    ...['-accel', accelerator, '-cpu', processorModel(accelerator, arch)],
    ...['-m', `size=${size}`],
    ...(backend === undefined ? [] : ['-object', backend]),
    ...['-smp', `cpus=${spec.cpus}`],
  ];
}

/**
 * All that emulation can, but one thing: where a processor of x86 says that it copies bytes fast (ERMS), Linux clears and copies
 * its pages by instructions that QEMU emulates byte by byte. Without it, eight at a time, and a boot takes a tenth less.
 */
export function processorModel(accelerator: Accelerator, arch: Architecture = 'x86_64'): string {
  if (accelerator !== 'tcg') return 'host';
  return arch === 'x86_64' ? 'max,-erms' : 'max';
}

/** The board that QEMU made for guests: PCI Express, one serial port by PL011. */
const armMachine = 'virt,gic-version=3,acpi=off';

/** Where the memory comes from; undefined where that is QEMU's own affair. */
function memoryBackend(
  { memoryFile, placement, saveSocket, incoming }: MachineSpec,
  size: string,
  readOnly: boolean,
): string | undefined {
  const node = placement?.numaNode;
  const bound = node === undefined ? '' : `,host-nodes=${node},policy=bind`;
  if (memoryFile === undefined)
    // Under the name that it has in every machine that can be saved: states know memory by its name.
    return node === undefined && saveSocket === undefined && !incoming
      ? undefined
      : `memory-backend-ram,id=ram,size=${size}${bound}`;
  // The pages of a file stay on the nodes that they are on.
  if (node !== undefined)
    throw hardwareError('memory that is a file cannot be bound to a NUMA node', 'Start it cold.');
  const { file, shared } = memoryFile;
  const access = shared ? 'share=on' : `share=off${readOnly ? ',readonly=on,rom=off' : ''}`;
  return `memory-backend-file,id=ram,size=${size},mem-path=${escapeValue(file)},${access}`;
}

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
export function serialArguments(
  type: MachineType | 'virt',
  id: string,
  descriptor: number,
  index: number,
): string[] {
  const chardev = ['-chardev', `socket,id=${id},fd=${descriptor}`];
  if (type === 'microvm' && index > 0)
    return [...chardev, '-device', `isa-serial,index=${index},chardev=${id}`];
  // It has no second one of the kind of the first.
  if (type === 'virt' && index > 0) return [...chardev, '-device', `pci-serial,chardev=${id}`];
  return [...chardev, '-serial', `chardev:${id}`];
}

/**
 * `panic=-1` with -no-reboot makes a panic end QEMU at once. The self tests of the cryptography and the
 * mitigations of CPU bugs are off: a guest holds one application, which is root there anyway, and keeping
 * it in is the VMM's work. `no_timer_check`: under load the check fails and the boot hangs.
 */
export function kernelCommandLine(accelerator: Accelerator, arch: Architecture = 'x86_64'): string {
  if (arch === 'aarch64')
    return [
      ...['console=ttyS0', 'gva.events=ttyAMA0', 'quiet', 'panic=-1', 'random.trust_cpu=on'],
      ...['audit=0', 'cryptomgr.notests', 'nokaslr', 'mitigations=off'],
    ].join(' ');
  const emulated = accelerator === 'tcg' ? ['tsc=reliable', 'random.trust_cpu=on'] : [];
  return [
    ...['console=ttyS1', 'quiet', 'panic=-1', 'no_timer_check', ...emulated],
    ...['audit=0', 'cryptomgr.notests', 'nokaslr', 'mitigations=off', 'nopti'],
  ].join(' ');
}
