import { randomBytes } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type KnownResult, parseResult } from '../../sweep/done-points.js';
import { readCapped } from '../../sweep/observe/capped.js';
import { errnoOf } from '../../system/errors.js';
import { ensureFolder } from '../../system/files.js';
import { resultFiles, sweepFiles } from '../../system/paths.js';

/** What stands where a point's results belong. */
export type Place =
  | { readonly has: 'nothing' }
  | { readonly has: 'result'; readonly result: KnownResult }
  | { readonly has: 'something' };

/** Bytes: a guest's disk may give rise to many findings. */
const longestResult = 64 << 20;

export async function lookAt(folder: string): Promise<Place> {
  const text = await readCapped(join(folder, resultFiles.result), longestResult).catch((error: unknown) => {
    // It is no regular file, or too long.
    if (errnoOf(error) === undefined) return undefined;
    throw error;
  });
  const result = text === undefined ? undefined : parseResult(text);
  if (result) return { has: 'result', result };
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  return { has: names.length === 0 ? 'nothing' : 'something' };
}

/** Whether the place has what this work comes to. Lost points have nothing that is worth keeping. */
export const isOf = (place: Place, identity: string) =>
  place.has === 'result' && place.result.identity === identity && place.result.state !== 'lost';

/**
 * Moves a result of other work out of the way, to where a sweep keeps those that may be wanted again (`.earlier`). Another
 * job may do the same at this moment, and even have put its own result there: that is put back.
 *
 * @param identity of the work that the place is for
 */
export async function clear(folder: string, sweep: string, identity: string): Promise<void> {
  const aside = join(dirname(folder), `.${basename(folder)}-${randomBytes(6).toString('hex')}.aside`);
  try {
    await rename(folder, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  const found = await lookAt(aside);
  const id = found.has === 'result' && found.result.state !== 'lost' ? found.result.identity : '';
  const target = id === identity ? folder : join(sweep, sweepFiles.points, sweepFiles.earlier, id);
  try {
    if (/^[0-9a-f]{64}$/.test(id)) await rename(aside, await withParent(target));
  } catch (error) {
    // An equal one is there.
    if (!isOccupied(error)) throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

async function withParent(path: string): Promise<string> {
  await ensureFolder(dirname(path));
  return path;
}

/** Of a rename of one folder onto another that has something in it. */
export const isOccupied = (error: unknown) => ['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '');
