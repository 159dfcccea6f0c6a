import type { Duplex } from 'node:stream';
import type { ConsoleRing } from './console-ring.js';

/** A disk of a machine. Guests find disks by the labels of their file systems, never by this order. */
export interface Disk {
  readonly id: 'root' | 'app' | 'data' | 'output' | 'cdrom' | `disk${number}`;
  /** A raw image. */
  readonly image: string;
  /** Bytes of the image. */
  readonly size: number;
  /** `overlay`: the guest may write, the image stays untouched, what is written goes to the file `overlay`. */
  readonly access: 'overlay' | 'read-write' | 'read-only';
  /** Made by the driver; must not exist yet. */
  readonly overlay?: string;
}

/** How a guest is started. */
export type Boot =
  /** By the VMM itself: an ELF kernel and its initrd. User-mode Linux brings its own and needs neither. */
  | { readonly kind: 'direct'; readonly kernel: string; readonly initrd: string }
  /** By firmware, from the first disk. */
  | { readonly kind: 'firmware'; readonly firmware: 'bios' }
  /** `variables`: the firmware's memory of this instance. Made by the driver; must not exist yet. */
  | { readonly kind: 'firmware'; readonly firmware: 'uefi'; readonly variables: string };

export const machineTypes = ['q35', 'pc', 'microvm'] as const;
export type MachineType = (typeof machineTypes)[number];

export const controllers = [
  ...['virtio-blk', 'virtio-scsi', 'nvme', 'ide', 'ahci'],
  ...['lsi53c895a', 'pvscsi', 'megasas', 'mptsas1068'],
] as const satisfies string[];
export type Controller = (typeof controllers)[number];

/**
 * What images that were not made for us may need otherwise; names are QEMU's. User-mode Linux has one kind of
 * machine and of disk and heeds none of it.
 */
export interface Hardware {
  /** q35 where absent. */
  readonly machine?: MachineType;
  /** Of all disks; virtio-blk where absent. */
  readonly controller?: Controller;
  /** The drive that holds the disk `cdrom`; where absent it is a read-only disk like another, which is faster. */
  readonly cdDrive?: 'scsi-cd' | 'ide-cd';
}

/** Where on the host a machine is; anywhere where absent. */
export interface Placement {
  /** Numbers of the CPUs that it is kept on, with all its threads. */
  readonly hostCpus?: readonly number[];
  /** The node that the guest's memory is taken from. */
  readonly numaNode?: number;
}

/** What to start. Everything in it belongs to one instance, except the images below overlays. */
export interface MachineSpec {
  readonly id: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly boot: Boot;
  /** The root disk first. */
  readonly disks: readonly Disk[];
  /** Empty folders of the instance that a driver may use. */
  readonly folders: { readonly uml: string; readonly hostfs: string };
  readonly hardware?: Hardware;
  readonly placement?: Placement;
  /** Seconds of processor time after which the VMM is killed; no limit where absent. */
  readonly cpuTime?: number;
}

/** What a driver can do, whatever the machine it is on. */
export interface Capabilities {
  /** 1 where a guest cannot have more. */
  readonly maxCpus: number;
  readonly boots: readonly Boot['kind'][];
  /** Its machines have the power `shutdown`. */
  readonly shutdown: boolean;
}

/** What a driver is on this machine. */
export type Probe =
  | { readonly available: true; readonly version: string; readonly accelerator: string }
  | { readonly available: false; readonly reason: string; readonly hint: string };

export interface VmmExit {
  /** Exit status; 128 + signal number where a signal ended it. */
  readonly status: number;
  /** The last of what the VMM itself said on its standard error. */
  readonly stderr: string;
  /**
   * Why it ended, as the VMM says; absent where it cannot, or was killed. QEMU's words: `guest-shutdown`,
   * `guest-reset` (a guest of ours does so only by a panic), `guest-panic`, `host-qmp-quit`, `host-signal`.
   */
  readonly reason?: string;
}

/** A running machine. Disposing it kills it and waits until nothing of it is left. */
export interface VirtualMachine extends AsyncDisposable {
  /** Lines of the guest's first serial port, without their ends; ends with the machine. One reader only. */
  readonly lines: AsyncIterable<string>;
  readonly console: ConsoleRing;
  readonly exited: Promise<VmmExit>;
  /** Ends it at once, with all its processes. May be called at any time and more than once. */
  kill(): void;
  /**
   * Presses the power button, and ends the machine where the guest has not powered off after `grace`
   * milliseconds. Resolves when it has ended. Only where the driver's capabilities say so.
   */
  shutdown?(grace: number): Promise<void>;
  /** The console in both directions, for a person; what comes from it goes to `console` as well. */
  readonly terminal?: Duplex;
}

export interface VmmDriver {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Whether it works here, and how. Cheap: slow answers are cached. */
  probe(): Promise<Probe>;
  /** Starts a machine. What it needs beside the spec's files it makes in the spec's folders. */
  start(spec: MachineSpec): Promise<VirtualMachine>;
}
