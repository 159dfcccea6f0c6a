import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../system/errors.js';
import {
  digestFile,
  ensureFolder,
  readTextIfExists,
  freshSibling,
  writeFileAtomically,
} from '../../system/files.js';
import { layerFiles, layersFolder } from '../../system/paths.js';
import { noteNeed } from '../needs.js';
import type { Element } from '../recipe/chain.js';
import { type Changes, writeChanges } from './changes.js';

/**
 * The root file system that a recipe had after one of its steps: how it differs from the root of the base that it began
 * as. Each stands for itself and needs none of the layers before it.
 */
export interface Layer extends LayerManifest {
  readonly folder: string;
}

interface LayerManifest {
  readonly format: 'gva-layer/1';
  readonly key: string;
  /** Digest of the base that it began as. */
  readonly base: string;
  readonly elements: readonly Element[];
  readonly changes: Changes;
  readonly madeAt: string;
}

/** Bytes of all layers together, and days that one is kept unused. */
const most = { bytes: 20 * 2 ** 30, days: 60 };
/** Milliseconds: what is used by a build that runs is younger. */
const inUse = 3_600_000;

/** Layers on this base, as they are in the cache; what cannot be read is not there. */
export async function layersOf(base: string): Promise<Layer[]> {
  return (await allLayers()).map(({ layer }) => layer).filter((layer) => layer.base === base);
}

/** Its bytes are what they were; else it is removed. Counts as a use. */
export async function isIntact({ folder, changes }: Layer): Promise<boolean> {
  const digest = await digestFile(join(folder, layerFiles.changes)).catch(() => undefined);
  if (digest === changes.sha256) {
    const now = new Date();
    await utimes(join(folder, layerFiles.manifest), now, now).catch(() => undefined);
    return true;
  }
  await rm(folder, { recursive: true, force: true });
  return false;
}

/** Puts a layer into the cache, whole or not at all. Where it is there already, that one stays. */
export async function keepLayer(
  image: string,
  original: string,
  identity: Pick<LayerManifest, 'key' | 'base' | 'elements'>,
): Promise<Layer> {
  const folder = join(await ensureFolder(layersFolder()), identity.key);
  const staged = await freshSibling(folder);
  try {
    await ensureFolder(staged);
    const changes = await writeChanges(image, original, join(staged, layerFiles.changes));
    const manifest: LayerManifest = {
      ...{ format: 'gva-layer/1', ...identity, changes },
      madeAt: new Date().toISOString(),
    };
    await writeFileAtomically(join(staged, layerFiles.manifest), `${JSON.stringify(manifest)}\n`);
    await rename(staged, folder).catch((error: unknown) => {
      if (!['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
    });
    await noteNeed(identity.base, { kind: 'layer', path: folder });
    return { ...manifest, folder };
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

/** Removes what has not been used for long, and the oldest where there is too much; never what was used of late. */
export async function pruneLayers(limits = most): Promise<void> {
  const now = Date.now();
  const found = (await allLayers()).sort((one, other) => other.usedAt - one.usedAt);
  let bytes = 0;
  for (const { layer, usedAt, size } of found) {
    bytes += size;
    const isOld = now - usedAt > limits.days * 86_400_000;
    if (now - usedAt > inUse && (isOld || bytes > limits.bytes))
      await rm(layer.folder, { recursive: true, force: true });
  }
}

async function allLayers(): Promise<{ layer: Layer; usedAt: number; size: number }[]> {
  const parent = layersFolder();
  const names = await readdir(parent).catch(() => []);
  const found = await Promise.all(
    names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => readLayer(join(parent, name), name)),
  );
  return found.filter((each) => each !== undefined);
}

async function readLayer(folder: string, key: string) {
  try {
    const file = join(folder, layerFiles.manifest);
    const manifest = JSON.parse((await readTextIfExists(file)) ?? '') as LayerManifest;
    // The type is what this version writes; a file may be of any.
    if ((manifest.format as string) !== 'gva-layer/1' || manifest.key !== key) return undefined;
    const { size } = await stat(join(folder, layerFiles.changes));
    return { layer: { ...manifest, folder }, usedAt: (await stat(file)).mtimeMs, size };
  } catch {
    return undefined;
  }
}
