import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ext4Size, makeExt4 } from '../../disk/ext4-image.js';
import type { BaseManifest, Distribution } from '../../model/base.js';
import { ensureFolder } from '../../system/files.js';
import { baseFiles } from '../../system/paths.js';
import { formatSize } from '../../system/units.js';
import { readRootModules, writeBootFiles } from '../boot/boot-files.js';
import { fetchBootPackages, unpackBootPackages, versionsOf } from '../boot/boot-packages.js';
import { inBuildFolder } from '../build-folder.js';
import { packagesIn } from '../debian/installed.js';
import { ensureBase } from '../ensure.js';
import { publishBase } from '../store.js';
import { applyLayer } from './apply-layer.js';
import { defaultsOf } from './defaults.js';
import { ociLayerError } from './errors.js';
import { expandLayer } from './expand-layer.js';
import { ImageTree } from './image-tree.js';
import { ociInputs } from './inputs.js';
import type { OciImage } from './layout.js';
import { addGuest, textAt } from './root-tree.js';
import { writeTree } from './write-tree.js';

/** Bytes and inodes that a guest finds free; sparse, and it costs only what a guest writes. */
const free = { bytes: 512 << 20, inodes: 16_384 };
/** Bytes of all layers together, expanded. */
const mostBytes = 64 * 2 ** 30;

type Say = (step: string) => void;

/** The base of a container image: the one that is there, if it was made of the same image, else a new one. */
export async function ensureOci(
  image: OciImage,
  name: string,
  force: boolean,
  say: Say,
  signal?: AbortSignal,
): Promise<{ manifest: BaseManifest; built: boolean }> {
  const build = () => buildOci(image, name, say, signal);
  return ensureBase({ name, inputs: await ociInputs(image), force, build }, say, signal);
}

/**
 * Builds a base of a container image and this project's guest files, without root. Nothing of the image is executed.
 *
 * @throws GvaError OCI_LAYER, HOST_FULL
 */
function buildOci(image: OciImage, name: string, say: Say, signal?: AbortSignal): Promise<BaseManifest> {
  return inBuildFolder(name, async (work) => {
    const tree = await unpackLayers(image, work, say, signal);
    say('fetching kernels');
    const packages = await fetchBootPackages(signal);
    const { kernel, busybox, portableKernel, loaders } = packages;
    const sources = await unpackBootPackages(packages, work);
    const { modules, ...uml } = await readRootModules(sources);
    const defaults = defaultsOf(image.config);
    const guest = await ensureFolder(join(work, 'guest'));
    const { wake } = await addGuest(tree, guest, { busybox: sources.busybox, modules, defaults });
    say('making the root file system');
    const folder = await ensureFolder(join(work, 'base'));
    const root = { tree, target: join(folder, baseFiles.root), work };
    const contentSize = await makeRoot(root, signal);
    const { kernelRelease, portable } = await writeBootFiles(folder, sources, work);
    signal?.throwIfAborted();
    const distribution = await distributionIn(tree);
    return await publishBase(folder, {
      ...{ name, kernelRelease, wake, ...uml, defaults, contentSize },
      description: `container image ${basename(image.folder)}; process 1 goes straight to GVAD`,
      ...(distribution && { distribution }),
      origin: { kind: 'oci', image: basename(image.folder), digest: image.digest },
      packages: {
        ...packagesIn(await textAt(tree, '/var/lib/dpkg/status'), 'amd64'),
        ...versionsOf([...kernel, busybox]),
      },
      inputs: await ociInputs(image),
      portable: { ...portable, packages: versionsOf([...portableKernel, ...loaders]) },
    });
  });
}

async function unpackLayers(
  image: OciImage,
  work: string,
  say: Say,
  signal?: AbortSignal,
): Promise<ImageTree> {
  const tree = new ImageTree();
  let room = mostBytes;
  for (const [number, layer] of image.layers.entries()) {
    say(`unpacking layer ${number + 1} of ${image.layers.length} (${formatSize(layer.size)})`);
    const file = join(work, `layer-${number}.tar`);
    room -= await expandLayer(layer, file, room, signal);
    await applyLayer(tree, file);
    signal?.throwIfAborted();
  }
  if (tree.root.entries.size === 0) throw ociLayerError('there is nothing in it');
  return tree;
}

async function makeRoot(
  { tree, target, work }: { tree: ImageTree; target: string; work: string },
  signal?: AbortSignal,
): Promise<number> {
  const from = join(work, 'root');
  const { attributes, entries, bytes } = await writeTree(tree, from, signal);
  const { size, inodes } = ext4Size(entries, bytes, free.bytes);
  await makeExt4(target, { label: 'GVA-ROOT', from, size, inodes: inodes + free.inodes, attributes });
  await rm(from, { recursive: true });
  return bytes;
}

async function distributionIn(tree: ImageTree): Promise<Distribution | undefined> {
  const text = (await textAt(tree, '/etc/os-release')) || (await textAt(tree, '/usr/lib/os-release'));
  const field = (name: string) => new RegExp(`^${name}="?([A-Za-z0-9._+-]{1,64})"?$`, 'm').exec(text)?.[1];
  const [id, version, codename] = [field('ID'), field('VERSION_ID'), field('VERSION_CODENAME')];
  return id === undefined
    ? undefined
    : { id, ...(version !== undefined && { version }), ...(codename !== undefined && { codename }) };
}
