import { join } from 'node:path';
import type { BaseManifest } from '../../model/base.js';
import { makeExt4 } from '../../disk/ext4-image.js';
import { ensureFolder } from '../../system/files.js';
import { baseFiles } from '../../system/paths.js';
import { readRootModules, writeBootFiles } from '../boot/boot-files.js';
import { fetchBootPackages, unpackBootPackages, versionsOf } from '../boot/boot-packages.js';
import { inBuildFolder } from '../build-folder.js';
import { publishBase } from '../store.js';
import { microInputs } from './inputs.js';
import { writeRootTree } from './root-tree.js';

/** Bytes; sparse, and only what a guest writes into its own overlay ever costs anything. */
export const rootSize = 64 << 20;

/**
 * Builds the base "micro" from Debian packages and this project's guest files, without root: a kernel, an
 * initrd with the drivers of the root disk, a root file system of busybox and GVAD, and a disk with all of it
 * that firmware boots. Takes some ten seconds. Whoever calls is its only builder.
 *
 * @param say told what is being done
 */
export function buildMicro(say: (step: string) => void, signal?: AbortSignal): Promise<BaseManifest> {
  return inBuildFolder('micro', async (work) => {
    say('fetching packages');
    const packages = await fetchBootPackages(signal);
    const { kernel, busybox, portableKernel, loaders } = packages;
    say('unpacking');
    const sources = await unpackBootPackages(packages, work);
    say('building');
    const folder = await ensureFolder(join(work, 'base'));
    const { modules, ...uml } = await readRootModules(sources);
    const { wake } = await writeRootTree(join(work, 'root'), { busybox: sources.busybox, modules });
    const image = join(folder, baseFiles.root);
    await makeExt4(image, { label: 'GVA-ROOT', size: rootSize, from: join(work, 'root') });
    const { kernelRelease, portable } = await writeBootFiles(folder, sources, work);
    signal?.throwIfAborted();
    return await publishBase(folder, {
      name: 'micro',
      description: 'busybox and GVAD on a kernel that boots quickly; runs static programs and shell scripts',
      ...{ kernelRelease, wake, ...uml },
      distribution: { id: 'gva-micro' },
      origin: { kind: 'built', from: 'micro' },
      packages: versionsOf([...kernel, busybox]),
      inputs: await microInputs(),
      portable: { ...portable, packages: versionsOf([...portableKernel, ...loaders]) },
    });
  });
}
