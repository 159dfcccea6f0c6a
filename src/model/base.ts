/** A base image: what `base.json` in its folder says. */
export interface BaseManifest {
  format: 1;
  name: string;
  description: string;
  /** Version of the guest contract that the base keeps (docs/guest-contract.md). */
  contract: 1;
  os: 'linux';
  arch: 'x86_64';
  /** Release of the kernel for QEMU's direct boot, as `uname -r` says it. */
  kernelRelease: string;
  /** Release of the User-mode Linux kernel whose modules the base carries; absent where it carries none. */
  umlRelease?: string;
  /** Its guests can be woken (docs/guest-contract.md, "Waking"); false where absent. */
  wake?: boolean;
  /** Packages the base was made from, name to version. */
  packages: Record<string, string>;
  /** Bytes of all files in the root file system; absent where it is not known. */
  contentSize?: number;
  /** SHA-256 of everything the build used: a base whose inputs are unchanged need not be built again. */
  inputs: string;
  files: { root: BaseFile; kernel: BaseFile; initrd: BaseFile; disk?: PortableDisk };
  /** SHA-256 over the digests of the files: the identity of the base. */
  digest: string;
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
