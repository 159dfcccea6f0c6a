import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../system/errors.js';
import { sweepFiles } from '../../system/paths.js';
import { judgeProcess, parseProcessIdentity } from '../../system/process-identity.js';
import { readCapped } from './capped.js';

/** Whether a process has the folder. `unknown`: one of another host or container, which cannot be judged from here. */
export type Owner = 'alive' | 'unknown' | 'none';

/** Looks at the locks in a sweep's folder, and leaves them as they are. */
export async function ownerOf(folder: string): Promise<Owner> {
  let owner: Owner = 'none';
  for (const name of await namesIn(folder)) {
    if (!name.startsWith(sweepFiles.lock)) continue;
    const text = await readCapped(join(folder, name), 4096).catch(() => '');
    if (text === undefined) continue;
    const identity = parseProcessIdentity(text);
    const state = identity ? await judgeProcess(identity) : 'unknown';
    if (state === 'alive') return 'alive';
    if (state === 'unknown') owner = 'unknown';
  }
  return owner;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
