import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFile } from '../../system/file-lock.js';
import { writeFileAtomically } from '../../system/files.js';
import { localGridFiles } from '../../system/paths.js';
import { processIdentity } from '../../system/process-identity.js';
import { hostCapacity } from './capacity.js';
import { QueueFolder } from './queue-folder.js';
import { Spooler } from './spooler.js';

/**
 * What the spooler's process does: `gva grid-spool FOLDER`. Every client that wants something done starts one; all but one end at
 * once. So no client need know whether there is one, and no work is overlooked: who has the lock looks once more after
 * it has let go.
 */
export async function spool(folder: string): Promise<void> {
  const queue = new QueueFolder(folder);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
  while (!stop.signal.aborted && (await hasWork(queue))) {
    const lock = await lockFile(join(folder, localGridFiles.lock));
    if (!lock) return;
    const note = join(folder, localGridFiles.spooler);
    try {
      await writeFileAtomically(note, JSON.stringify(await processIdentity(process.pid)));
      await new Spooler(queue, await hostCapacity(), stop.signal).run();
    } finally {
      await rm(note, { force: true });
      await lock[Symbol.asyncDispose]();
    }
  }
}

async function hasWork(queue: QueueFolder): Promise<boolean> {
  for (const name of await queue.names()) if (await queue.isOpen(name).catch(() => false)) return true;
  return false;
}
