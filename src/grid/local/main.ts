import { setTimeout as sleep } from 'node:timers/promises';
import { lockFolder } from '../../system/folder-lock.js';
import { localGridFiles } from '../../system/paths.js';
import { hostCapacity } from './capacity.js';
import { QueueFolder } from './queue-folder.js';
import { Spooler } from './spooler.js';

/**
 * The spooler's process: `node main.js FOLDER`. Every client that wants something done starts one; all but one end at
 * once. So no client need know whether there is one, and no work is overlooked: who has the lock looks once more after
 * it has let go.
 */
async function main(folder: string): Promise<void> {
  const queue = new QueueFolder(folder);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
  let holder: string | undefined;
  while (!stop.signal.aborted && (await hasWork(queue))) {
    const outcome = await lockFolder(folder, localGridFiles.lock);
    if (outcome.lock) {
      const { lock } = outcome;
      try {
        await new Spooler(queue, await hostCapacity(), stop.signal).run();
      } finally {
        await lock[Symbol.asyncDispose]();
      }
    } else if (outcome.holder.file === holder) return;
    // One that only tried has gone, or tries with another file.
    else holder = outcome.holder.file;
    await sleep(50);
  }
}

async function hasWork(queue: QueueFolder): Promise<boolean> {
  for (const name of await queue.names()) if (await queue.isOpen(name).catch(() => false)) return true;
  return false;
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('no folder');
await main(folder);
