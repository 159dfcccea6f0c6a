import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseManifest } from '../../model/base.js';
import { makeExt4 } from '../../disk/ext4-image.js';
import { ensureFolder } from '../../system/files.js';
import { baseFiles, basesFolder } from '../../system/paths.js';
import { type DebianPackage, fetchPackage, unpackPackage } from '../debian-packages.js';
import { compileGuestProgram, guestPrograms } from '../guest-programs.js';
import { unpackKernel } from '../kernel-image.js';
import { type KernelModule, readModules } from '../kernel-modules.js';
import { type UnpackedKernel, fetchKernel, unpackedKernel } from '../kernel-package.js';
import { publishBase } from '../store.js';
import { umlModulesFolder, umlRelease } from '../uml-host.js';
import { loaderPackages } from './boot-partition.js';
import { microInitrd } from './initrd.js';
import { microInputs } from './inputs.js';
import { makePortableDisk } from './portable-disk.js';
import { portableKernelPackages } from './portable-kernel.js';
import { writeRootTree } from './root-tree.js';

/** Kernels that boot quickly in a virtual machine: Debian's, then Ubuntu's. */
const kernelPackages = ['linux-image-cloud-amd64', 'linux-image-virtual', 'linux-image-amd64'];
const initrdModules = ['virtio_pci', 'virtio_blk'];
/** Loaded by the kernel when a medium of that kind is mounted. */
const mediaModules = ['isofs', 'vfat', 'nls_cp437', 'nls_ascii'];
/** Bytes; sparse, and only what a guest writes into its own overlay ever costs anything. */
const rootSize = 64 << 20;

/** Packages of the base, and those of the portable disk alone. */
interface Packages {
  readonly kernel: readonly DebianPackage[];
  readonly busybox: DebianPackage;
  readonly portableKernel: readonly DebianPackage[];
  readonly loaders: readonly DebianPackage[];
}

/** Folders in the work folder that packages are unpacked into. */
const unpacked = { base: 'packages', portable: 'portable-packages' } as const;

/**
 * Builds the base "micro" from Debian packages and this project's guest files, without root: a kernel, an
 * initrd with the drivers of the root disk, a root file system of busybox and GVAD, and a disk with all of it
 * that firmware boots. Takes some ten seconds.
 *
 * @param say told what is being done
 */
export async function buildMicro(say: (step: string) => void, signal?: AbortSignal): Promise<BaseManifest> {
  const work = await mkdtemp(join(await ensureFolder(basesFolder()), '.build-'));
  try {
    say('fetching packages');
    const packages = await fetchPackages(signal);
    const { kernel, busybox, portableKernel, loaders } = packages;
    say('unpacking');
    await unpackAll([...kernel, busybox], join(work, unpacked.base));
    await unpackAll([...portableKernel, ...loaders], join(work, unpacked.portable));
    say('building');
    const { folder, portable, ...releases } = await buildFiles(work);
    return await publishBase(folder, {
      name: 'micro',
      description: 'busybox and GVAD on a kernel that boots quickly; runs static programs and shell scripts',
      ...releases,
      packages: versions([...kernel, busybox]),
      inputs: await microInputs(),
      portable: { ...portable, packages: versions([...portableKernel, ...loaders]) },
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fetchPackages(signal?: AbortSignal): Promise<Packages> {
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

async function unpackAll(packages: readonly DebianPackage[], folder: string): Promise<void> {
  for (const { file } of packages) await unpackPackage(file, folder);
}

const versions = (packages: readonly DebianPackage[]) =>
  Object.fromEntries(packages.map(({ name, version }) => [name, version]));

async function buildFiles(work: string) {
  const folder = await ensureFolder(join(work, 'base'));
  const kernel = await unpackedKernel(join(work, unpacked.base));
  const portableKernel = await unpackedKernel(join(work, unpacked.portable));
  const busybox = await busyboxIn(join(work, unpacked.base));
  await writeFile(join(folder, baseFiles.kernel), await unpackKernel(kernel.file, join(work, 'payload')));
  await writeFile(
    join(folder, baseFiles.initrd),
    await microInitrd({
      ...{ busybox, kernelRelease: kernel.release, wanted: initrdModules, byDevice: false },
      modules: await readModules(kernel.modulesFolder, initrdModules),
    }),
  );
  const root = join(folder, baseFiles.root);
  const { uml, wake } = await makeRoot(root, work, busybox, [kernel, portableKernel]);
  const disk = { kernel: portableKernel, loaders: join(work, unpacked.portable), busybox, root, work };
  const rootOffset = await makePortableDisk(join(folder, baseFiles.disk), disk);
  return {
    ...{ folder, kernelRelease: kernel.release, wake, ...(uml === undefined ? {} : { umlRelease: uml }) },
    portable: { kernelRelease: portableKernel.release, rootOffset },
  };
}

/**
 * The root file system, with modules for every kernel that may boot it; gives the User-mode Linux's release, and whether
 * it has what a guest needs to be woken.
 */
async function makeRoot(image: string, work: string, busybox: string, kernels: readonly UnpackedKernel[]) {
  const modules = new Map<string, KernelModule[]>();
  for (const { release, modulesFolder } of kernels)
    modules.set(release, await readModules(modulesFolder, mediaModules));
  const uml = await umlRelease();
  if (uml !== undefined) modules.set(uml, await readModules(umlModulesFolder(uml), mediaModules));
  const program = join(work, guestPrograms.wake);
  const wake = await compileGuestProgram(guestPrograms.wake, program);
  await writeRootTree(join(work, 'root'), { busybox, modules, wake: wake ? program : undefined });
  await makeExt4(image, { label: 'GVA-ROOT', size: rootSize, from: join(work, 'root') });
  return { uml, wake };
}

async function busyboxIn(packages: string): Promise<string> {
  // Ubuntu and Debian 13 have it under usr/bin.
  const folder = (await readdir(packages)).includes('bin') ? 'bin' : 'usr/bin';
  const path = join(packages, folder, 'busybox');
  await chmod(path, 0o755);
  return path;
}
