import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, messageOf } from '../system/errors.js';
import { ownCacheFolder, standInForCache } from '../system/paths.js';
import { type Scratch, createScratch } from './scratch.js';

/** What stands in for the cache now, and for how many. */
let standIn: { readonly own: string; readonly scratch: Promise<Scratch>; users: number } | undefined;

/**
 * Does the work; where the user's cache takes no files, with another in its place: in a scratch folder, which who comes next
 * removes if this process is killed. Nothing is found in it, so that all is made anew.
 *
 * @param say told about it, in a sentence; of many at the same time, the first one
 * @throws GvaError SCRATCH; what the work throws
 */
export async function withUsableCache<T>(say: (text: string) => void, work: () => Promise<T>): Promise<T> {
  const own = ownCacheFolder();
  const problem = standIn ? undefined : await refusal(own);
  if (standIn === undefined && problem === undefined) return await work();
  if (standIn === undefined) {
    standIn = { own, scratch: createScratch(), users: 0 };
    say(`the cache ${own} cannot be written to (${problem}): nothing is taken from it or kept in it`);
  }
  const used = standIn;
  used.users++;
  try {
    standInForCache(used.own, join((await used.scratch).folder, 'cache'));
    return await work();
  } finally {
    await release(used);
  }
}

async function release(used: NonNullable<typeof standIn>): Promise<void> {
  if (--used.users > 0) return;
  standInForCache(used.own, undefined);
  standIn = undefined;
  const scratch = await used.scratch.catch(() => undefined);
  await scratch?.[Symbol.asyncDispose]();
}

/** Why no file can be made in a folder, or in the nearest one above it that is there. */
async function refusal(folder: string): Promise<string | undefined> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && dirname(folder) !== folder) return await refusal(dirname(folder));
    return messageOf(error);
  }
}
