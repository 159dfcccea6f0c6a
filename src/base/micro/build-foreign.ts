import { join } from 'node:path';
import { makeExt4 } from '../../disk/ext4-image.js';
import type { Architecture, BaseManifest } from '../../model/base.js';
import { ensureFolder } from '../../system/files.js';
import { baseFiles } from '../../system/paths.js';
import { readMediaModules, writeDirectBoot } from '../boot/boot-files.js';
import { fetchForeignPackages, unpackDirectPackages, versionsOf } from '../boot/boot-packages.js';
import { inBuildFolder } from '../build-folder.js';
import { publishBase } from '../store.js';
import { rootSize } from './build.js';
import { microInputs, microName } from './inputs.js';
import { writeRootTree } from './root-tree.js';

/**
 * Builds the base "micro" for guests of another architecture, as `buildMicro()` does: without a disk for packages, since
 * nothing here makes one that their firmware boots, and without the modules of User-mode Linux, which there is none of.
 */
export function buildForeignMicro(
  arch: Exclude<Architecture, 'x86_64'>,
  say: (step: string) => void,
  signal?: AbortSignal,
): Promise<BaseManifest> {
  const name = microName(arch);
  return inBuildFolder(name, async (work) => {
    say('fetching packages');
    const packages = await fetchForeignPackages(arch, signal);
    say('building');
    const { kernel, busybox } = await unpackDirectPackages(packages, work);
    const folder = await ensureFolder(join(work, 'base'));
    const modules = new Map([[kernel.release, await readMediaModules(kernel)]]);
    const { wake } = await writeRootTree(join(work, 'root'), { busybox, modules, arch });
    const image = join(folder, baseFiles.root);
    await makeExt4(image, { label: 'GVA-ROOT', size: rootSize, from: join(work, 'root') });
    await writeDirectBoot(folder, { kernel, busybox }, work);
    signal?.throwIfAborted();
    return await publishBase(folder, {
      ...{ name, arch, wake, kernelRelease: kernel.release },
      description: `busybox and GVAD for guests of ${arch}; runs static programs and shell scripts`,
      packages: versionsOf([...packages.kernel, packages.busybox]),
      inputs: await microInputs(arch),
      origin: { kind: 'built', from: 'micro' },
    });
  });
}
