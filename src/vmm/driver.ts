import type { Duplex } from 'node:stream';
import type { Hardware } from '../model/hardware.js';
import type { ConsoleRing } from './console-ring.js';

/** A disk of a machine. Guests find disks by the labels of their file systems, never by this order. */
export interface Disk {
  readonly id: 'root' | 'app' | 'data' | 'output' | 'cdrom' | 'floppy' | 'mailbox' | `disk${number}`;
  /** A raw image, where `backing` is absent. */
  readonly image: string;
  /** The image is a qcow2 overlay itself: what it lies on, a raw image. Only below an overlay. */
  readonly backing?: string;
  /** Bytes, as the guest sees it. An overlay may be larger than its image: what is beyond reads as zeros. */
  readonly size: number;
  /** `overlay`: the guest may write, the image stays untouched, what is written goes to the file `overlay`. */
  readonly access: 'overlay' | 'read-write' | 'read-only';
  /** Made by the driver, and must not exist yet; but is there where the machine goes on from a checkpoint. */
  readonly overlay?: string;
  /**
   * Empty files that are there. In turn they take what the guest writes after a checkpoint; needed for those, and only
   * for disks that the guest may write.
   */
  readonly layers?: readonly [string, string];
}

/** How a guest is started. */
export type Boot =
  /** By the VMM itself: an ELF kernel and its initrd. User-mode Linux brings its own and needs neither. */
  | { readonly kind: 'direct'; readonly kernel: string; readonly initrd: string }
  /** By firmware, from the first disk. */
  | { readonly kind: 'firmware'; readonly firmware: 'bios' }
  /** `variables`: the firmware's memory of this instance. Made by the driver; must not exist yet. */
  | { readonly kind: 'firmware'; readonly firmware: 'uefi'; readonly variables: string };

export {
  type Controller,
  type Hardware,
  type MachineType,
  controllers,
  machineTypes,
} from '../model/hardware.js';

/** Where on the host a machine is; anywhere where absent. */
export interface Placement {
  /** Numbers of the CPUs that it is kept on, with all its threads. */
  readonly hostCpus?: readonly number[];
  /** The node that the guest's memory is taken from. */
  readonly numaNode?: number;
}

/** A guest's memory as a file. It is there and has the memory's size. */
export interface MemoryFile {
  readonly file: string;
  /** The file is the memory, to its end; else it is how the memory begins, and is never written. */
  readonly shared: boolean;
}

/**
 * The state of a machine's devices as a file; not its memory where that is a file already. The same QEMU reads it, for
 * a machine of the same hardware: processors, memory, disks in their order and sizes.
 */
export interface DeviceState {
  readonly state: string;
  /** It is of a checkpoint: the memory is in it, and the machine may have been stopped when it was taken. */
  readonly checkpoint?: boolean;
  /** Sent to the guest's first serial port before it runs. Only of a checkpoint. */
  readonly greeting?: () => string;
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
  /** The console is the first serial port, where systems that know nothing of GVA have theirs; the events are on the second. */
  readonly consoleFirst?: boolean;
  readonly placement?: Placement;
  /** Seconds of processor time after which the VMM is killed; no limit where absent. */
  readonly cpuTime?: number;
  /** Words for the command line of a kernel that is booted directly. */
  readonly kernelOptions?: readonly string[];
  /** Memory of the VMM's own where absent. */
  readonly memoryFile?: MemoryFile;
  /** The guest is told, by a device, when it goes on as another machine (VMGenID). */
  readonly generationId?: boolean;
  /**
   * Its state can be saved. The name of a socket for that, in a folder that is there; made by the driver, at most
   * 107 bytes (unix(7)).
   */
  readonly saveSocket?: string;
  /** The machine goes on from here instead of booting. */
  readonly incoming?: DeviceState;
  /** It reaches the network of this host, loopback included, by QEMU's own; none where absent. Only QEMU has it. */
  readonly network?: boolean;
  /** Its disks can be replaced while it runs. */
  readonly exchange?: DiskExchange;
  /**
   * It has a line for the control channel (docs/channels.md) and, where the driver's machines have the power `insert`, an
   * empty CD drive; its guest is told so where it is booted directly.
   */
  readonly channel?: boolean;
  /**
   * It has a network card, with nothing at the other end but one address, `serviceAddress`: what the guest sends there on the
   * port 80 comes to the machine's `service`. Its guest is told so where it is booted directly. Only where the driver has it.
   */
  readonly service?: boolean;
  /** It has a port for the QEMU guest agent of its guest: the machine's `qemuAgent`. Only where the driver has it. */
  readonly qemuAgent?: boolean;
  /** Folder of the images that come into that drive. */
  readonly insertFolder?: string;
}

/** Of the guest's network, in which there is nothing else. */
export const serviceAddress = '10.0.2.100';

/** Where disks are that come into a machine later. */
export interface DiskExchange {
  /** Theirs alone: images and overlays. The VMM may write there. */
  readonly folder: string;
  /** What overlays in the folder lie on, raw images, and what of the folder the VMM may not write. */
  readonly readable: readonly string[];
}

/** What a driver can do, whatever the machine it is on. */
export interface Capabilities {
  /** 1 where a guest cannot have more. */
  readonly maxCpus: number;
  readonly boots: readonly Boot['kind'][];
  /** Its machines have the power `shutdown`. */
  readonly shutdown: boolean;
  /** It takes `memoryFile`, `saveSocket` and `incoming`; it has `templates`, its machines `saveState`, `write` and `quit`. */
  readonly templates: boolean;
  /** It takes `exchange`; its machines have the power `replaceDisks`. */
  readonly exchange: boolean;
  /** It takes `qemuAgent`. */
  readonly qemuAgent: boolean;
  /** It takes `service`. */
  readonly service: boolean;
  /** As `templates`, and it takes `layers` of disks; machines with these and a `saveSocket` have the power `checkpoints`. */
  readonly checkpoints: boolean;
}

/** Of a driver whose machines run, and no more: others add to it. */
export const runsOnly = {
  shutdown: false,
  templates: false,
  exchange: false,
  qemuAgent: false,
  service: false,
  checkpoints: false,
} as const;

/** Machines that go on where another one was saved. */
export interface Templates {
  /**
   * Everything of this host and the VMM that a saved machine depends on, beside the spec: a machine that was saved
   * under other facts must not go on here. Name to value.
   */
  facts(spec: MachineSpec): Promise<Readonly<Record<string, string>>>;
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
  /** It was killed, and meanwhile the host's kernel has killed a process for want of memory. */
  readonly outOfMemory?: true;
}

/** A moment of a running machine. */
export interface Moment {
  /** Seconds that the guest stood still. */
  readonly pause: number;
  /** What the guest had begun to say on its first serial port: a line without its end. */
  readonly unfinished: string;
}

/** Takes checkpoints of a running machine, one after the other. */
export interface Checkpoints {
  /**
   * Writes the state of the machine, memory and devices, into a new file, and has its disks at the same moment go on in
   * other files: `settled` is what they were then, and stays it until `settle()` is called. The guest is stopped for a
   * part of that time only, and runs on.
   *
   * @param atRest called while the guest stands still, when all that it has said was heard
   * @throws GvaError VMM_CHECKPOINT; the machine goes on, and another attempt may be made
   */
  take(state: string, atRest: () => void, signal: AbortSignal): Promise<Moment>;
  /**
   * Brings what was set apart back together, as far as it can be; must be called before the next `take()`. Until it has
   * ended no file but the topmost ones may be relied on.
   *
   * @throws GvaError VMM_CHECKPOINT; it can be called again
   */
  settle(): Promise<void>;
  /** Files of a disk by its id, the lowest first: layers that lie on its image or overlay. None before the first checkpoint. */
  above(id: Disk['id']): readonly string[];
}

/** Our end of the line of the control channel. */
export interface ChannelLine {
  readonly port: Duplex;
  /** A serial line loses what the guest does not read in time; a port of a virtio device has the sender wait. */
  readonly kind: 'serial' | 'virtio';
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
  /** Sends text to the guest's first serial port. What the guest does not read in time may be lost. */
  write?(text: string): void;
  /**
   * Writes the state of its devices into a new file, and leaves the guest paused for good. With a shared memory file, the
   * two together are the whole machine. Only with the spec's `saveSocket`. @throws GvaError VMM_SAVE
   */
  saveState?(file: string): Promise<void>;
  /**
   * Puts other disks of the same sizes, which the guest must not have mounted, into the places of those with their ids. Their
   * overlays are made. Only with the spec's `exchange`. @throws GvaError VMM_EXCHANGE; which are in place is not known then
   */
  replaceDisks?(disks: readonly Disk[]): Promise<void>;
  /**
   * Puts a raw image, of the spec's `insertFolder`, into the CD drive that comes with the channel, in the place of what is
   * there. @throws GvaError VMM_INSERT where the guest uses that
   */
  insert?(image: string): Promise<void>;
  /**
   * Plugs a raw image, of the spec's `insertFolder`, in as a disk that is read-only; there must be none of these. It is given
   * back by `unplug`, when the guest has let it go. Only with the spec's `channel`. @throws GvaError VMM_INSERT
   */
  plug?(image: string): Promise<void>;
  /** @throws GvaError VMM_INSERT */
  unplug?(): Promise<void>;
  /** Where the driver has them and the machine was started for them. */
  readonly checkpoints?: Checkpoints;
  /** Ends it at once like `kill`, but in good order, where the guest has nothing more to write. */
  quit?(): void;
  /** Where the spec has it. */
  readonly channel?: ChannelLine;
  /**
   * Where the spec has it: all that the guest sends to that address, and what it gets from there, whatever connections it makes
   * for it. Must be read.
   */
  readonly service?: Duplex;
  /** Our end of the port of the QEMU guest agent, where the spec has it. Must be read, or not be looked at. */
  readonly qemuAgent?: Duplex;
  /** The console in both directions, for a person; what comes from it goes to `console` as well. */
  readonly terminal?: Duplex;
}

export interface VmmDriver {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Whether it works here, and how. Cheap: slow answers are cached. */
  probe(): Promise<Probe>;
  /**
   * Starts a machine. What it needs beside the spec's files it makes in the spec's folders. One with `incoming` runs
   * when the promise is resolved. @throws GvaError VMM_RESUME where it does not go on from there
   */
  start(spec: MachineSpec): Promise<VirtualMachine>;
  readonly templates?: Templates;
}
