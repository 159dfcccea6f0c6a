import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ExitCode, GvaError, fullDiskErrno } from '../system/errors.js';
import { ensureFolder } from '../system/files.js';
import { lockFolder } from '../system/folder-lock.js';
import { removeAbandonedIn } from '../system/temporary.js';
import { basesFolder, buildFolderPrefix, buildLockPrefix, builtName } from '../system/paths.js';

/** Milliseconds between two looks whether the other build has ended. */
const patience = 200;

/**
 * Runs the work for one base while no other process of this user does the same; where one does, waits for its end.
 *
 * @param name of the base
 * @param say told when there is something to wait for
 */
export async function whileOnlyBuilder<T>(
  name: string,
  say: (step: string) => void,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const folder = await ensureFolder(basesFolder());
  for (let waited = false; ; waited = true) {
    const { lock, holder } = await lockFolder(folder, buildLockPrefix(name));
    if (lock)
      try {
        return await work();
      } finally {
        await lock[Symbol.asyncDispose]();
      }
    if (!waited) say(`waiting for another build of it (process ${holder.process?.pid ?? 'of another host'})`);
    await setTimeout(patience, undefined, signal ? { signal } : {});
  }
}

/**
 * A new folder for the work, on the file system of the bases; gone afterwards. Whoever calls is the only builder of
 * that name. What killed builds left, of whatever name, goes, too.
 *
 * @throws GvaError HOST_FULL
 */
export async function inBuildFolder<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
  const bases = await ensureFolder(basesFolder());
  await removeAbandonedIn(bases);
  await removeAbandonedBuilds(bases, name);
  const folder = await mkdtemp(join(bases, buildFolderPrefix(name)));
  // What is made for the guest must not depend on what this user lets others read; the folder is the user's alone.
  const umask = process.umask(0o022);
  try {
    return await work(folder);
  } catch (error) {
    throw fullDiskErrno(error) !== undefined ? hostFull(name, bases, error) : error;
  } finally {
    process.umask(umask);
    await remove(folder);
  }
}

async function removeAbandonedBuilds(bases: string, own: string): Promise<void> {
  const found = (await readdir(bases)).flatMap((entry) => builtName(entry) ?? []);
  for (const name of new Set(found)) {
    // A build that runs has the lock of its name.
    const lock = name === own ? undefined : (await lockFolder(bases, buildLockPrefix(name))).lock;
    if (name !== own && !lock) continue;
    const prefix = buildFolderPrefix(name);
    for (const entry of await readdir(bases)) if (entry.startsWith(prefix)) await remove(join(bases, entry));
    await lock?.[Symbol.asyncDispose]();
  }
}

function hostFull(name: string, bases: string, cause: unknown): GvaError {
  return new GvaError('HOST_FULL', `there is no room to build the base ${name} in ${bases}`, {
    hint: 'Make room on that file system, or choose another one (XDG_DATA_HOME).',
    exitCode: ExitCode.infrastructure,
    cause,
  });
}

const remove = (folder: string) => rm(folder, { recursive: true, force: true, maxRetries: 3 });
