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
  /** Packages the base was made from, name to version. */
  packages: Record<string, string>;
  /** SHA-256 of everything the build used: a base whose inputs are unchanged need not be built again. */
  inputs: string;
  files: { root: BaseFile; kernel: BaseFile; initrd: BaseFile };
  /** SHA-256 over the digests of the files: the identity of the base. */
  digest: string;
}

export interface BaseFile {
  name: string;
  /** Bytes. */
  size: number;
  sha256: string;
}
