import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { baseFiles } from '../../system/paths.js';
import { unpackKernel } from '../kernel-image.js';
import { type KernelModule, readModules } from '../kernel-modules.js';
import type { UnpackedKernel } from '../kernel-package.js';
import { umlModulesFolder, umlRelease } from '../uml-host.js';
import type { BootSources } from './boot-packages.js';
import { rootInitrd } from './initrd.js';
import { makePortableDisk } from './portable-disk.js';

const initrdModules = ['virtio_pci', 'virtio_blk'];
/** Loaded by the kernel when a medium of that kind is mounted. */
const mediaModules = ['isofs', 'vfat', 'nls_cp437', 'nls_ascii'];
/**
 * Loaded by GVAD for the control channel, the drive beside it and the service by network, and for steps of recipes; User-mode
 * Linux has a serial line and a disk in the places of the first two.
 */
const channelModules = ['virtio_console', 'virtio_scsi', 'sr_mod', 'sd_mod', 'virtio_net'];

export interface RootModules {
  /** Release of a kernel to the modules that the root file system must have for it. */
  readonly modules: ReadonlyMap<string, readonly KernelModule[]>;
  /** Of this machine's User-mode Linux, where there is one. */
  readonly umlRelease?: string;
}

/** The modules that a root file system needs, for every kernel that may boot it. */
export async function readRootModules({ kernel, portableKernel }: BootSources): Promise<RootModules> {
  const modules = new Map<string, KernelModule[]>();
  for (const each of [kernel, portableKernel]) modules.set(each.release, await readMediaModules(each));
  const uml = await umlRelease();
  if (uml === undefined) return { modules };
  modules.set(uml, await readModules(umlModulesFolder(uml), mediaModules));
  return { modules, umlRelease: uml };
}

/** The modules that a root file system needs for one kernel. */
export const readMediaModules = ({ modulesFolder }: UnpackedKernel): Promise<KernelModule[]> =>
  readModules(modulesFolder, [...mediaModules, ...channelModules]);

/**
 * Writes, beside the root file system's image in the folder of a base, what boots it: kernel and initrd for a
 * direct boot, and the portable disk.
 *
 * @param work a folder for files that the caller removes
 */
export async function writeBootFiles(
  folder: string,
  { kernel, busybox, portableKernel, loaders }: BootSources,
  work: string,
): Promise<{ kernelRelease: string; portable: { kernelRelease: string; rootOffset: number } }> {
  await writeDirectBoot(folder, { kernel, busybox }, work);
  const root = join(folder, baseFiles.root);
  const disk = { kernel: portableKernel, loaders, busybox, root, work };
  const rootOffset = await makePortableDisk(join(folder, baseFiles.disk), disk);
  return {
    kernelRelease: kernel.release,
    portable: { kernelRelease: portableKernel.release, rootOffset },
  };
}

/** The part of it that QEMU's direct boot needs. */
export async function writeDirectBoot(
  folder: string,
  { kernel, busybox }: Pick<BootSources, 'kernel' | 'busybox'>,
  work: string,
): Promise<void> {
  await writeFile(join(folder, baseFiles.kernel), await unpackKernel(kernel.file, join(work, 'payload')));
  await writeFile(
    join(folder, baseFiles.initrd),
    await rootInitrd({
      ...{ busybox, kernelRelease: kernel.release, wanted: initrdModules, byDevice: false },
      modules: await readModules(kernel.modulesFolder, initrdModules),
    }),
  );
}
