import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DebianPackage, fetchPackage, unpackPackage } from '../debian-packages.js';
import type { Architecture } from '../../model/base.js';
import { foreignApt } from '../foreign-apt.js';
import { type UnpackedKernel, fetchKernel, unpackedKernel } from '../kernel-package.js';
import { loaderPackages } from './boot-partition.js';
import { portableKernelPackages } from './portable-kernel.js';

/** Kernels that boot quickly in a virtual machine: Debian's, then Ubuntu's. */
const kernelPackages = ['linux-image-cloud-amd64', 'linux-image-virtual', 'linux-image-amd64'];

/** What every base boots by; its root file system's own content is another matter. */
export interface BootPackages {
  readonly kernel: readonly DebianPackage[];
  readonly busybox: DebianPackage;
  /** Of the portable disk alone. */
  readonly portableKernel: readonly DebianPackage[];
  readonly loaders: readonly DebianPackage[];
}

/** The same, unpacked. */
export interface BootSources {
  readonly kernel: UnpackedKernel;
  /** The static busybox, executable. */
  readonly busybox: string;
  readonly portableKernel: UnpackedKernel;
  /** The folder that the loaders' packages were unpacked into. */
  readonly loaders: string;
}

export async function fetchBootPackages(signal?: AbortSignal): Promise<BootPackages> {
  // One after the other: both may be the same package.
  const kernels = fetchKernel(kernelPackages, signal).then(async (kernel) => ({
    kernel,
    portableKernel: await fetchKernel(portableKernelPackages, signal),
  }));
  const others = Promise.all(['busybox-static', ...loaderPackages].map((name) => fetchPackage(name, signal)));
  const [{ kernel, portableKernel }, [busybox, ...loaders]] = await Promise.all([kernels, others]);
  if (!busybox) throw new TypeError('no package was fetched');
  return { kernel, busybox, portableKernel, loaders };
}

/** What a base of another architecture boots by: its direct boot alone. */
export async function fetchForeignPackages(
  arch: Exclude<Architecture, 'x86_64'>,
  signal?: AbortSignal,
): Promise<Pick<BootPackages, 'kernel' | 'busybox'>> {
  const apt = await foreignApt(arch, signal);
  return {
    kernel: await fetchKernel(foreignKernelPackages[arch], signal, apt),
    busybox: await fetchPackage('busybox-static', signal, apt),
  };
}

const foreignKernelPackages = { aarch64: ['linux-image-cloud-arm64', 'linux-image-arm64'] } as const;

/** @param folder an existing one, which the caller removes */
export async function unpackDirectPackages(
  { kernel, busybox }: Pick<BootPackages, 'kernel' | 'busybox'>,
  folder: string,
): Promise<Pick<BootSources, 'kernel' | 'busybox'>> {
  const own = join(folder, 'packages');
  for (const { file } of [...kernel, busybox]) await unpackPackage(file, own);
  return { kernel: await unpackedKernel(own), busybox: await busyboxIn(own) };
}

/** @param folder an existing one, which the caller removes */
export async function unpackBootPackages(packages: BootPackages, folder: string): Promise<BootSources> {
  const { kernel, busybox, portableKernel, loaders } = packages;
  const portable = join(folder, 'portable-packages');
  const direct = await unpackDirectPackages({ kernel, busybox }, folder);
  for (const { file } of [...portableKernel, ...loaders]) await unpackPackage(file, portable);
  return {
    ...direct,
    portableKernel: await unpackedKernel(portable),
    loaders: portable,
  };
}

/** As base.json has them: name to version. */
export const versionsOf = (packages: readonly DebianPackage[]): Record<string, string> =>
  Object.fromEntries(packages.map(({ name, version }) => [name, version]));

async function busyboxIn(packages: string): Promise<string> {
  // Ubuntu and Debian 13 have it under usr/bin.
  const folder = (await readdir(packages)).includes('bin') ? 'bin' : 'usr/bin';
  const path = join(packages, folder, 'busybox');
  await chmod(path, 0o755);
  return path;
}
