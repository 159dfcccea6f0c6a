import type { Hardware } from './hardware.js';

/**
 * A base image: what `base.json` in its folder says. Entries that may be absent are so in those that older versions
 * made; such a base is as good as any.
 */
export interface BaseManifest {
  format: 1;
  name: string;
  /** As its maker counts: 1.2. */
  version?: string;
  description: string;
  /** Version of the guest contract that the base keeps (docs/guest-contract.md). */
  contract: 1;
  os: OperatingSystem;
  /** What of that operating system it is. */
  distribution?: Distribution;
  arch: Architecture;
  /** Release of the kernel for QEMU's direct boot, as `uname -r` says it. */
  kernelRelease: string;
  /** Release of the User-mode Linux kernel whose modules the base carries; absent where it carries none. */
  umlRelease?: string;
  /** Its guests can be woken (docs/guest-contract.md, "Waking"); false where absent. */
  wake?: boolean;
  /** How it can be started; see `bootsOf()`. */
  boots?: readonly BootWay[];
  /** Of the root; ext4 where absent. */
  fileSystem?: string;
  /** Packages that are installed, or that it was made from, name to version. */
  packages: Record<string, string>;
  /** What its programs find where an appliance says nothing else. */
  defaults?: BaseDefaults;
  /** Bytes of all files in the root file system; absent where it is not known. */
  contentSize?: number;
  /** SHA-256 of everything the build used: a base whose inputs are unchanged need not be built again. */
  inputs: string;
  /** How it came to be; see `originOf()`. */
  origin?: BaseOrigin;
  /** ISO 8601, UTC. */
  builtAt?: string;
  /** How it came to this machine, where it was not made here. */
  imported?: { readonly file: string; readonly at: string };
  files: DirectFiles | AdoptedFiles;
  /** SHA-256 over the digests of the files: the identity of the base. */
  digest: string;
}

export const architectures = ['x86_64', 'aarch64'] as const;
/** As `uname -m` says it. */
export type Architecture = (typeof architectures)[number];

export const operatingSystems = ['linux', 'freebsd', 'netbsd', 'openbsd'] as const;
export type OperatingSystem = (typeof operatingSystems)[number];

/** As os-release(5) says it: ID, VERSION_ID, VERSION_CODENAME. */
export interface Distribution {
  readonly id: string;
  readonly version?: string;
  readonly codename?: string;
}

/** `direct`: QEMU is given kernel and initrd. `firmware`: BIOS or UEFI boot its disk. `uml`: User-mode Linux. */
export type BootWay = 'direct' | 'firmware' | 'uml';

export interface BaseDefaults {
  readonly environment?: Readonly<Record<string, string>>;
  /** The program with its first arguments, and those that follow where nothing else is said. */
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  /** Name or number, with `:GROUP` perhaps. */
  readonly user?: string;
  readonly workingFolder?: string;
}

export type BaseOrigin =
  /** `gva base build micro` or `debian`. */
  | { readonly kind: 'built'; readonly from: string }
  /** A recipe: the digest is of the recipe, with all that it takes in; `from` is what it begins with. */
  | { readonly kind: 'recipe'; readonly digest: string; readonly from: string }
  /** Somebody's disk; the digest is the SHA-256 of that file. */
  | { readonly kind: 'adopted'; readonly file: string; readonly digest: string }
  /** A container image; the digest is that of its manifest, as `sha256:...`. */
  | { readonly kind: 'oci'; readonly image: string; readonly digest: string };

/** Of a base that is started directly, and by firmware where it has a disk. */
export interface DirectFiles {
  root: BaseFile;
  kernel: BaseFile;
  initrd: BaseFile;
  disk?: PortableDisk;
}

/** Of a base that was somebody's disk: firmware boots it, and nothing else can. */
export interface AdoptedFiles {
  root?: never;
  kernel?: never;
  initrd?: never;
  disk: AdoptedDisk;
}

export interface BaseFile {
  name: string;
  /** Bytes. */
  size: number;
  sha256: string;
}

/**
 * The disk that a package carries: BIOS and UEFI boot it on any machine. Bases made by older versions have none.
 * It has a partition table, on its first partition (FAT) a kernel `vmlinuz` with its `initrd.img`, and on its
 * second the very bytes of the root file system's image.
 */
export interface PortableDisk extends BaseFile {
  /** Release of the disk's own kernel. */
  kernelRelease: string;
  /** Bytes from the disk's start to the root file system, which is as long as `files.root`. */
  rootOffset: number;
  /** Packages that only this disk was made from, name to version. */
  packages: Record<string, string>;
}

/** A whole disk, raw. */
export interface AdoptedDisk extends BaseFile {
  firmware: 'bios' | 'uefi';
  /** What its system has drivers of. */
  hardware: Hardware;
}

/** A base that has a kernel, an initrd and a root file system by themselves. */
export type Direct<T extends BaseManifest> = T & { files: DirectFiles };

export const bootsDirectly = <T extends BaseManifest>(base: T): base is Direct<T> =>
  base.files.root !== undefined;

/** All files of a base, in the order that its digest counts. */
export const filesOf = ({ files: { root, kernel, initrd, disk } }: Pick<BaseManifest, 'files'>): BaseFile[] =>
  [root, kernel, initrd, disk].filter((file) => file !== undefined);

/** How a base can be started; what does not say so has files that do. */
export function bootsOf({ boots, files, umlRelease }: BaseManifest): readonly BootWay[] {
  if (boots) return boots;
  const direct = files.root ? (['direct'] as const) : [];
  const firmware = files.disk ? (['firmware'] as const) : [];
  return [...direct, ...firmware, ...(umlRelease === undefined ? [] : (['uml'] as const))];
}

/** What older versions built says nothing. */
export const originOf = ({ origin, contentSize }: BaseManifest): BaseOrigin =>
  origin ?? { kind: 'built', from: contentSize === undefined ? 'micro' : 'debian' };

/** What older versions built of Debian says so by its packages only. */
export function distributionOf({
  distribution,
  packages,
}: Pick<BaseManifest, 'distribution' | 'packages'>): Distribution | undefined {
  const version = /^(\d+)[.+]/.exec(packages['base-files'] ?? '')?.[1];
  return distribution ?? (version === undefined ? undefined : { id: 'debian', version });
}
