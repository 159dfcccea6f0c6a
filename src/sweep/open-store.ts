import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../system/errors.js';
import { sweepFiles } from '../system/paths.js';
import { rebuildStore } from './reconcile.js';
import { SweepStore } from './store/store.js';

/**
 * Opens the store of a sweep's folder, which the caller has to itself. One that is damaged, or gone while there are results,
 * is made anew from the result files, which are the truth; the damaged one is kept beside it.
 *
 * @param total number of points of the plan
 * @param onDamage is told so, for people
 * @throws GvaError as `SweepStore.open()`, but for STORE_DAMAGED; the signal's reason
 */
export async function openStore(
  folder: string,
  total: number,
  onDamage: (message: string) => void,
  signal: AbortSignal,
): Promise<SweepStore> {
  const file = join(folder, sweepFiles.store);
  if (existsSync(file))
    try {
      return await openPatiently(file, total);
    } catch (error) {
      if (errnoOf(error) !== 'STORE_DAMAGED') throw error;
      const kept = await putStoreAside(file);
      onDamage(`the sweep's store was damaged and is made anew from the result files; it is kept as ${kept}`);
    }
  const store = await openPatiently(file, total);
  try {
    if (existsSync(join(folder, sweepFiles.points))) await rebuildStore(store, folder, signal);
    return store;
  } catch (error) {
    store[Symbol.dispose]();
    throw error;
  }
}

/** Milliseconds between attempts to open what the host refuses for now. */
const pauses = [100, 200, 400, 800, 1600];

async function openPatiently(file: string, total: number): Promise<SweepStore> {
  for (const pause of pauses)
    try {
      return SweepStore.open(file, total);
    } catch (error) {
      if (errnoOf(error) !== 'STORE_IO') throw error;
      await sleep(pause);
    }
  return SweepStore.open(file, total);
}

/** Gives a store another name, with the files that SQLite has beside it. @returns the new name, without its folder */
export async function putStoreAside(file: string): Promise<string> {
  const old = `${file}.${Date.now()}.old`;
  for (const ending of ['-wal', '-shm', ''])
    if (existsSync(`${file}${ending}`)) await rename(`${file}${ending}`, `${old}${ending}`);
  return basename(old);
}
