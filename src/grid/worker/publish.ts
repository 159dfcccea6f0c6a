import { copyFile, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ensureFolder, freshSibling, syncPath } from '../../system/files.js';
import { renameOnce } from '../../system/lost-replies.js';
import { pointFolder, pointPart, resultFiles } from '../../system/paths.js';
import { syncTree } from '../../system/sync-tree.js';
import { copyFolder } from './copy-folder.js';
import { type Patience, persistently } from './persistently.js';
import { clear, isOccupied, isOf, lookAt } from './place.js';

export interface Publication {
  /** Of the sweep. */
  readonly sweep: string;
  readonly index: number;
  readonly identity: string;
  /** As the grid calls it. */
  readonly job: string;
}

/**
 * Makes a finished result that of its point, unless somebody else's of the same work is there already: who is first wins.
 * It is copied beside its place and appears there by one rename. Whatever the file system says is tried again, since the
 * result has cost more than the waiting.
 *
 * @param result folder on this node; stays
 * @returns whether it is the point's now
 * @throws Error where the file system does not take it, and patience is over
 */
export async function publish(result: string, point: Publication, patience: Patience): Promise<boolean> {
  const target = pointFolder(point.sweep, point.index);
  const part = pointPart(target, point.job);
  const save = () => copyAndName(result, part, target, point);
  let isOurs = false;
  try {
    isOurs = await persistently(`save the results of point ${point.index}`, save, patience, () => true);
    return isOurs;
  } finally {
    if (!isOurs) await rm(part, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function copyAndName(
  result: string,
  part: string,
  target: string,
  { sweep, identity }: Publication,
): Promise<boolean> {
  await ensureFolder(dirname(target));
  await copyFolder(result, part);
  await syncTree(part);
  for (;;) {
    try {
      await renameOnce(part, target);
      await syncPath(dirname(target));
      return true;
    } catch (error) {
      if (!isOccupied(error)) throw error;
      const there = await lookAt(target);
      if (there.has !== 'result') throw error;
      if (isOf(there, identity)) return false;
      await clear(target, sweep, identity);
    }
  }
}

/** What is kept of a lost instance: not its output. */
const telling = [resultFiles.result, resultFiles.events, resultFiles.console];

/** Puts what may tell why an instance was lost into a folder of the chunk; the first attempt of that number stays. */
export async function keepLost(result: string, target: string): Promise<void> {
  const part = await freshSibling(target);
  try {
    await ensureFolder(dirname(part));
    await mkdir(part);
    for (const name of telling) await copyFile(join(result, name), join(part, name));
    await renameOnce(part, target);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}
