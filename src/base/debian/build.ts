import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { InodeAttributes } from '../../disk/ext4-attributes.js';
import { ext4Size, makeExt4 } from '../../disk/ext4-image.js';
import { openRaw } from '../../disk/source.js';
import type { BaseManifest } from '../../model/base.js';
import { ensureFolder } from '../../system/files.js';
import { baseFiles } from '../../system/paths.js';
import {
  type BootSources,
  fetchBootPackages,
  unpackBootPackages,
  versionsOf,
} from '../boot/boot-packages.js';
import { type RootModules, readRootModules, writeBootFiles } from '../boot/boot-files.js';
import { inBuildFolder } from '../build-folder.js';
import { publishBase } from '../store.js';
import { tarAttributes } from '../tar-attributes.js';
import { bootstrap } from './bootstrap.js';
import { debianInputs } from './inputs.js';
import { installedPackages } from './installed.js';
import { type DebianOptions, suiteVersions } from './options.js';
import { writeDebianRoot } from './root-tree.js';

/** Bytes and inodes that a guest finds free; sparse, and it costs only what a guest writes. */
const free = { bytes: 512 << 20, inodes: 16_384 };

/**
 * Builds a base of Debian packages and this project's guest files, without root. Whoever calls is the only builder
 * of that name. Takes half a minute, and more with big packages.
 *
 * @param say told what is being done
 * @throws GvaError as bootstrap(), and where the host is full
 */
export function buildDebian(
  options: DebianOptions,
  say: (step: string) => void,
  signal?: AbortSignal,
): Promise<BaseManifest> {
  return inBuildFolder(options.name, async (work) => {
    say('fetching kernels');
    const packages = await fetchBootPackages(signal);
    const { kernel, busybox, portableKernel, loaders } = packages;
    const archive = await bootstrap(options, work, say, signal);
    say('unpacking');
    const sources = await unpackBootPackages(packages, work);
    const { modules, ...uml } = await readRootModules(sources);
    const folder = await ensureFolder(join(work, 'base'));
    const image = join(folder, baseFiles.root);
    const root = await makeRoot(image, { archive, sources, modules, options, work, say }, signal);
    const { kernelRelease, portable } = await writeBootFiles(folder, sources, work);
    signal?.throwIfAborted();
    return await publishBase(folder, {
      name: options.name,
      description: describe(options),
      ...{ kernelRelease, wake: root.wake, ...uml },
      distribution: { id: 'debian', version: suiteVersions[options.suite], codename: options.suite },
      origin: { kind: 'built', from: `debian:${options.suite}` },
      packages: { ...root.packages, ...versionsOf([...kernel, busybox]) },
      contentSize: root.bytes,
      inputs: await debianInputs(options),
      portable: { ...portable, packages: versionsOf([...portableKernel, ...loaders]) },
    });
  });
}

function describe({ suite, profile, packages }: DebianOptions): string {
  const with_ = packages.length === 0 ? '' : ` with ${packages.join(', ')}`;
  return `Debian ${suite}${with_}; ${profile === 'quick' ? 'process 1 goes straight to GVAD' : 'GVAD is a service of systemd'}`;
}

interface RootParts {
  readonly archive: string;
  readonly sources: BootSources;
  readonly modules: RootModules['modules'];
  readonly options: DebianOptions;
  readonly work: string;
  readonly say: (step: string) => void;
}

async function makeRoot(
  image: string,
  { archive, sources, modules, options, work, say }: RootParts,
  signal?: AbortSignal,
): Promise<{ packages: Record<string, string>; bytes: number; wake: boolean }> {
  const root = join(work, 'root');
  const { profile } = options;
  const sourcesOfRoot = { archive, profile, busybox: sources.busybox, modules };
  const { wake } = await writeDebianRoot(root, sourcesOfRoot, signal);
  say('making the root file system');
  const attributes = await attributesOf(archive);
  await rm(archive);
  const { entries, bytes } = await contentOf(root);
  const { size, inodes } = ext4Size(entries, bytes, free.bytes);
  await makeExt4(image, { label: 'GVA-ROOT', from: root, size, inodes: inodes + free.inodes, attributes });
  return { packages: await installedPackages(root, 'amd64'), bytes, wake };
}

/** Devices were not unpacked, with what is beside them. */
async function attributesOf(archive: string): Promise<InodeAttributes[]> {
  await using source = await openRaw(archive);
  return (await tarAttributes(source)).filter(({ path }) => !path.startsWith('dev/'));
}

async function contentOf(root: string): Promise<{ entries: number; bytes: number }> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  let bytes = 0;
  for (const entry of entries)
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size;
  return { entries: entries.length, bytes };
}
