import type { ConsoleRing } from './console-ring.js';

/** A disk of a machine. Guests find disks by the labels of their file systems, never by this order. */
export interface Disk {
  readonly id: 'root' | 'app' | 'data' | 'output' | 'cdrom';
  /** A raw image. */
  readonly image: string;
  /** Bytes of the image. */
  readonly size: number;
  /** `overlay`: the guest may write, the image stays untouched, what is written goes to the file `overlay`. */
  readonly access: 'overlay' | 'read-write' | 'read-only';
  /** Made by the driver; must not exist yet. */
  readonly overlay?: string;
}

/** What to start. Everything in it belongs to one instance, except the images below overlays. */
export interface MachineSpec {
  readonly id: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** For QEMU's direct boot: an ELF kernel and its initrd. */
  readonly kernel: string;
  readonly initrd: string;
  /** The root disk first. */
  readonly disks: readonly Disk[];
  /** Empty folders of the instance that a driver may use. */
  readonly folders: { readonly uml: string; readonly hostfs: string };
}

export interface Capabilities {
  /** 1 where a guest cannot have more. */
  readonly maxCpus: number;
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
}

/** A running machine. Disposing it kills it and waits until nothing of it is left. */
export interface VirtualMachine extends AsyncDisposable {
  /** Lines of the guest's first serial port, without their ends; ends with the machine. One reader only. */
  readonly lines: AsyncIterable<string>;
  readonly console: ConsoleRing;
  readonly exited: Promise<VmmExit>;
  /** Ends it at once, with all its processes. May be called at any time and more than once. */
  kill(): void;
}

export interface VmmDriver {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Whether it works here, and how. Cheap: slow answers are cached. */
  probe(): Promise<Probe>;
  /** Starts a machine. What it needs beside the spec's files it makes in the spec's folders. */
  start(spec: MachineSpec): Promise<VirtualMachine>;
}
