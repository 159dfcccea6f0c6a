/** What the speed tests of `guest/doctor/speed` are called; each counts units of work of its own. */
export const speedTests = ['integer', 'float', 'syscall', 'fork'] as const;
export type SpeedTest = (typeof speedTests)[number];

/** Units of work per second, or, where it says so, their ratio to the host's own; absent: not measured. */
export type Speeds = Readonly<Partial<Record<SpeedTest, number>>>;

export type DoctorAccelerator = 'kvm' | 'hvf' | 'tcg' | 'native';

/**
 * `works`: a guest booted under it and answered, and GVA can use it. `missing`: not installed, or the host has
 * no such device. `refused`: it ended, or said no. `hangs`: it was started and nothing came. `untried`: there
 * is no base image to try it with.
 */
export type VmmVerdict = 'works' | 'missing' | 'refused' | 'hangs' | 'untried';

/** A virtual machine monitor with one of its accelerators. */
export interface VmmFinding {
  /** As `--vmm` takes it. */
  readonly vmm: 'qemu' | 'uml';
  readonly accelerator: DoctorAccelerator;
  readonly verdict: VmmVerdict;
  /** Path of its program; null where it is not installed. */
  readonly program: string | null;
  readonly version: string | null;
  /** Why it cannot be used, as one sentence; null where it can. */
  readonly reason: string | null;
  /** What mends it: a command, or a sentence; null where nothing needs mending. */
  readonly hint: string | null;
  /** The last lines of its console and standard error, printable; empty where all is well. */
  readonly said: readonly string[];
  /** Seconds from its start to the first word of a guest that is only an initrd. */
  readonly bootSeconds: number | null;
  readonly speeds: Speeds | null;
  /** Its speeds divided by the host's. */
  readonly relative: Speeds | null;
}

/** What takes seconds to find out, and is kept until the host restarts or a program or base changes. */
export interface Measurements {
  readonly format: 'gva-measurements/1';
  /** ISO 8601, UTC. */
  readonly measuredAt: string;
  /** The host itself, without a virtual machine; null where it could not be measured. */
  readonly native: Speeds | null;
  readonly vmms: readonly VmmFinding[];
}

/** What machines are confined by, beside what their monitors do themselves. */
export interface SandboxFacts {
  /** What GVA_SANDBOX says; `auto` where it says nothing. */
  readonly setting: 'auto' | 'off' | 'required';
  /** The monitors, as `--vmm` takes them, that bubblewrap is put around. */
  readonly confined: readonly ('qemu' | 'uml')[];
  /** Those of them whose system calls are filtered by it, too (seccomp(2)). */
  readonly filtered: readonly ('qemu' | 'uml')[];
  /** Why it is not put around another one that is here, as one sentence; null where nothing keeps it from that. */
  readonly reason: string | null;
}

export interface HostFacts {
  /** `linux`, `darwin`, as Node.js says it. */
  readonly platform: string;
  readonly arch: string;
  /** Release of the running kernel. */
  readonly kernel: string;
  readonly cpu: string;
  readonly cpus: { readonly usable: number; readonly all: number };
  /** Bytes; `limit` is that of the control group, null where it has none. */
  readonly memory: { readonly total: number; readonly free: number; readonly limit: number | null };
  /** The CPU's extension for virtual machines, as this system sees it. */
  readonly virtualisation: 'vmx' | 'svm' | null;
  /** Whether an ordinary user gets a user namespace; null where that could not be tried. */
  readonly userNamespaces: boolean | null;
  /** Whether bubblewrap works; null where it is not installed. */
  readonly bubblewrap: boolean | null;
  readonly sandbox: SandboxFacts;
}

export interface FolderFacts {
  readonly use: 'scratch' | 'cache' | 'data' | 'memory';
  readonly path: string;
  /** Bytes that this user may still write; null where nobody can say. */
  readonly free: number | null;
  readonly fileSystem: string | null;
  readonly writable: boolean;
}

/** A soft and a hard limit; null is none. */
export interface LimitFacts {
  readonly soft: number | null;
  readonly hard: number | null;
}

/** Limits of this process (setrlimit); sizes in bytes. */
export interface HostLimits {
  readonly processes: LimitFacts;
  readonly openFiles: LimitFacts;
  readonly addressSpace: LimitFacts;
  readonly fileSize: LimitFacts;
}

export interface ToolFacts {
  readonly name: string;
  /** `run`: every instance needs it. `base`: building a base image does. `arm64`: guests of that architecture do. */
  readonly neededFor: 'run' | 'base' | 'arm64';
  readonly path: string | null;
  /** Asked only of tools whose version matters. */
  readonly version: string | null;
}

export interface BaseFacts {
  readonly name: string;
  /** Null where it cannot be used. */
  readonly digest: string | null;
  readonly kernelRelease: string | null;
  readonly umlRelease: string | null;
  readonly problem: string | null;
}

export interface Advice {
  readonly problem: string;
  readonly hint: string;
}

/** All that `gva doctor --json` prints. Facts of the host are of now, measurements may be older. */
export interface DoctorReport {
  readonly format: 'gva-doctor/1';
  readonly gva: string;
  /** ISO 8601, UTC. */
  readonly measuredAt: string;
  /** Whether the measurements were known from an earlier call. */
  readonly fromCache: boolean;
  /** What `--vmm auto` takes for a guest of one CPU; null where nothing can be used. */
  readonly auto: { readonly vmm: string; readonly accelerator: string } | null;
  readonly native: Speeds | null;
  readonly vmms: readonly VmmFinding[];
  readonly host: HostFacts;
  readonly folders: readonly FolderFacts[];
  /** Null where the system does not tell. */
  readonly limits: HostLimits | null;
  readonly tools: readonly ToolFacts[];
  readonly bases: readonly BaseFacts[];
  /** What is missing or could be better, most important first. */
  readonly advice: readonly Advice[];
}
