import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readTextIfExists, writeFileAtomically } from './files.js';
import {
  type ProcessIdentity,
  judgeProcess,
  parseProcessIdentity,
  processIdentity,
} from './process-identity.js';

/** Who has the lock. `unknown`: a process of another host or container, which cannot be judged from here. */
export interface LockHolder {
  readonly file: string;
  readonly process: ProcessIdentity | undefined;
  readonly state: 'alive' | 'unknown';
}

export type LockOutcome =
  | { readonly lock: AsyncDisposable; readonly holder?: never }
  | { readonly lock?: never; readonly holder: LockHolder };

/** Attempts, so that of processes that come at the same moment one gets through, most likely. */
const attempts = 4;

/**
 * Takes the folder for this process. Everyone writes a file of its own, which names its process, before it
 * looks for those of others: of two at least one sees the other, so there are never two owners. What a killed
 * process left counts for nothing and is removed.
 *
 * @param prefix beginning of the files' names
 */
export async function lockFolder(folder: string, prefix: string): Promise<LockOutcome> {
  for (let attempt = 1; ; attempt++) {
    const name = `${prefix}${randomBytes(6).toString('hex')}`;
    const file = join(folder, name);
    const release = () => rm(file, { force: true });
    try {
      await writeFileAtomically(file, JSON.stringify(await processIdentity(process.pid)));
      const holder = await otherHolder(folder, prefix, name);
      if (!holder) return { lock: { [Symbol.asyncDispose]: release } };
      await release();
      if (attempt === attempts) return { holder };
    } catch (error) {
      await release();
      throw error;
    }
    await setTimeout(Math.random() * 25 * attempt);
  }
}

async function otherHolder(folder: string, prefix: string, own: string): Promise<LockHolder | undefined> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || name === own) continue;
    const file = join(folder, name);
    const text = await readTextIfExists(file);
    if (text === undefined) continue;
    const process = parseProcessIdentity(text);
    const state = process ? await judgeProcess(process) : 'unknown';
    if (state === 'dead') await rm(file, { force: true });
    else return { file, process, state };
  }
  return undefined;
}
