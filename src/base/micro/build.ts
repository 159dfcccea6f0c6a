import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { BaseManifest } from '../../model/base.js';
import { type CpioEntry, cpioArchive } from '../../disk/cpio.js';
import { makeExt4 } from '../../disk/ext4-image.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { ensureFolder } from '../../system/files.js';
import { baseFiles, basesFolder, guestFile } from '../../system/paths.js';
import {
  type DebianPackage,
  dependenciesOf,
  fetchPackage,
  firstKnownPackage,
  unpackPackage,
} from '../debian-packages.js';
import { unpackKernel } from '../kernel-image.js';
import { type KernelModule, modulesDep, readModules } from '../kernel-modules.js';
import { publishBase } from '../store.js';
import { umlModulesFolder, umlRelease } from '../uml-host.js';
import { microInputs } from './inputs.js';
import { writeRootTree } from './root-tree.js';

/** Kernels that boot quickly in a virtual machine: Debian's, then Ubuntu's. */
const kernelPackages = ['linux-image-cloud-amd64', 'linux-image-virtual', 'linux-image-amd64'];
const initrdModules = ['virtio_pci', 'virtio_blk'];
/** Loaded by the kernel when a medium of that kind is mounted. */
const mediaModules = ['isofs', 'vfat', 'nls_cp437', 'nls_ascii'];
/** Bytes; sparse, and only what a guest writes into its own overlay ever costs anything. */
const rootSize = 64 << 20;

/**
 * Builds the base "micro" from Debian packages and this project's guest files, without root: a kernel, an
 * initrd with the drivers of the root disk, and a root file system of busybox and GVAD. Takes some seconds.
 *
 * @param say told what is being done
 */
export async function buildMicro(say: (step: string) => void, signal?: AbortSignal): Promise<BaseManifest> {
  const work = await mkdtemp(join(await ensureFolder(basesFolder()), '.build-'));
  try {
    say('fetching packages');
    const kernel = await fetchKernel(signal);
    const busybox = await fetchPackage('busybox-static', signal);
    say('unpacking');
    for (const each of [...kernel, busybox]) await unpackPackage(each.file, join(work, 'packages'));
    say('building');
    const files = await buildFiles(join(work, 'packages'), work);
    return await publishBase(files.folder, {
      name: 'micro',
      description: 'busybox and GVAD on a kernel that boots quickly; runs static programs and shell scripts',
      kernelRelease: files.kernelRelease,
      ...(files.umlRelease === undefined ? {} : { umlRelease: files.umlRelease }),
      packages: Object.fromEntries([...kernel, busybox].map(({ name, version }) => [name, version])),
      inputs: await microInputs(),
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The kernel's package and, where they are apart, its modules'. */
async function fetchKernel(signal?: AbortSignal): Promise<DebianPackage[]> {
  const meta = await firstKnownPackage(kernelPackages);
  const image = meta && (await dependenciesOf(meta)).find((name) => /^linux-image-\d/.test(name));
  if (!image)
    throw new GvaError('PACKAGE_UNKNOWN', `apt knows none of the kernels ${kernelPackages.join(', ')}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'Bring the package lists up to date: sudo apt-get update',
    });
  const modules = (await dependenciesOf(image)).filter((name) => /^linux-modules-\d/.test(name));
  return Promise.all([image, ...modules].map((name) => fetchPackage(name, signal)));
}

async function buildFiles(packages: string, work: string) {
  const folder = await ensureFolder(join(work, 'base'));
  const kernelFile = join(packages, 'boot', await onlyMatch(join(packages, 'boot'), /^vmlinuz-/));
  const kernelRelease = basename(kernelFile).slice('vmlinuz-'.length);
  const modulesFolder = join(packages, 'lib/modules', kernelRelease);
  const busybox = await busyboxIn(packages);
  await writeFile(join(folder, baseFiles.kernel), await unpackKernel(kernelFile, join(work, 'payload')));
  const drivers = await readModules(modulesFolder, initrdModules);
  await writeFile(join(folder, baseFiles.initrd), await initrd(busybox, kernelRelease, drivers));

  const modules = new Map([[kernelRelease, await readModules(modulesFolder, mediaModules)]]);
  const uml = await umlRelease();
  if (uml !== undefined) modules.set(uml, await readModules(umlModulesFolder(uml), mediaModules));
  await writeRootTree(join(work, 'root'), { busybox, modules });
  await makeExt4(join(folder, baseFiles.root), {
    label: 'GVA-ROOT',
    size: rootSize,
    from: join(work, 'root'),
  });
  return { folder, kernelRelease, umlRelease: uml };
}

async function initrd(busybox: string, release: string, drivers: readonly KernelModule[]): Promise<Buffer> {
  const folder = `lib/modules/${release}`;
  const folders = ['bin', 'dev', 'lib', 'lib/modules', folder, 'modules', 'proc', 'root'];
  const file = (path: string, mode: number, content: string | Buffer): CpioEntry => ({
    ...{ kind: 'file', path, mode },
    content: Buffer.from(content),
  });
  return cpioArchive([
    ...folders.map((path) => ({ kind: 'directory' as const, path })),
    file('bin/busybox', 0o755, await readFile(busybox)),
    file('init', 0o755, await readFile(guestFile('micro/initrd-init'))),
    file('modules/wanted', 0o644, `${initrdModules.join(' ')}\n`),
    file(`${folder}/modules.dep`, 0o644, modulesDep(drivers)),
    ...drivers.map(({ name, content }) => file(`${folder}/${name}.ko`, 0o644, content)),
  ]);
}

async function busyboxIn(packages: string): Promise<string> {
  // Ubuntu and Debian 13 have it under usr/bin.
  const folder = (await readdir(packages)).includes('bin') ? 'bin' : 'usr/bin';
  const path = join(packages, folder, 'busybox');
  await chmod(path, 0o755);
  return path;
}

async function onlyMatch(folder: string, pattern: RegExp): Promise<string> {
  const names = (await readdir(folder)).filter((name) => pattern.test(name));
  if (names.length !== 1 || names[0] === undefined)
    throw new GvaError(
      'PACKAGE_CONTENT',
      `${names.length} files in ${folder} match ${String(pattern)}; expected one`,
      {
        exitCode: ExitCode.infrastructure,
      },
    );
  return names[0];
}
