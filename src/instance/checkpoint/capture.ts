import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Layer } from '../../disk/qcow2/reader.js';
import { writeOverlay } from '../../disk/qcow2/writer.js';
import { writeSparseCopy } from '../../disk/sparse-copy.js';
import type { SavedDisk } from '../../model/checkpoint.js';
import { syncPath } from '../../system/files.js';
import { checkpointFiles } from '../../system/paths.js';
import type { Checkpoints, Disk } from '../../vmm/driver.js';
import { openLayer, openRawLayer, withPieces } from './layers.js';

/** Layers of a disk in a checkpoint, at most: the next one has all of them in one. */
export const mostLayers = 16;

/** A disk of a running machine, and what of it the checkpoint before has. */
export interface CapturedDisk {
  readonly disk: Disk;
  /** Files of that checkpoint; none where it is of no use. */
  readonly before: readonly string[];
  /** The layer below its overlay, where there is one: a template's. */
  readonly below?: () => Promise<Layer>;
}

/**
 * Brings a disk into the folder of a checkpoint, as it was at the moment that was set apart.
 *
 * @returns its files, with those of the checkpoint before that it still needs
 */
export async function captureDisk(
  { disk, before, below }: CapturedDisk,
  machine: Pick<Checkpoints, 'above'>,
  folder: string,
  number: number,
): Promise<SavedDisk> {
  const { id, size, access } = disk;
  if (access === 'read-only') {
    const files = before.length > 0 ? before : [await captureMedium(disk, folder, number)];
    return { id, size, access, files };
  }
  // The topmost one has what came after that moment.
  const set = machine.above(id).slice(0, -1);
  const all = before.length === 0;
  const layers = all
    ? [...whole(disk, below), ...set.map((file) => () => openLayer(file))]
    : set.map((file) => () => openLayer(file));
  const kept = before.map((name) => () => openLayer(join(folder, name)));
  const tooMany = before.length >= mostLayers;
  const name = checkpointFiles.disk(number, id);
  await withPieces(tooMany ? [...kept, ...layers] : layers, (pieces) =>
    writeOverlay(join(folder, name), { size }, pieces),
  );
  await syncPath(join(folder, name));
  return { id, size, access, files: tooMany || all ? [name] : [...before, name] };
}

/** What the guest has written before the first checkpoint. */
function whole(
  { access, image, overlay = '' }: Disk,
  below: CapturedDisk['below'],
): (() => Promise<Layer>)[] {
  if (access === 'read-write') return [() => openRawLayer(image)];
  return [...(below ? [below] : []), () => openLayer(overlay)];
}

async function captureMedium({ id, image }: Disk, folder: string, number: number): Promise<string> {
  const name = checkpointFiles.medium(number, id);
  await writeSparseCopy(image, join(folder, name));
  await syncPath(join(folder, name));
  return name;
}

/** Compresses the state of a machine, which is some zeros and much that is alike, into a new file; the state goes. */
export async function captureState(state: string, target: string): Promise<void> {
  await pipeline(
    createReadStream(state, { highWaterMark: 1 << 20 }),
    createGzip({ level: 1, chunkSize: 1 << 18 }),
    createWriteStream(target, { flags: 'wx', mode: 0o600 }),
  );
  await syncPath(target);
  await rm(state);
}
