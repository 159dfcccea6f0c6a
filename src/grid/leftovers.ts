import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SweepStore } from '../sweep/store/store.js';
import { sweepFiles } from '../system/paths.js';
import type { Fleet } from './fleet.js';

/** What a job copies beside a point's folder (`pointPart()`). */
const part = /^\.\d{7,}-(.+)\.part$/;

/** Removes what points that are done were saved to: who has published their results may have been killed then. */
export async function removeSpentCheckpoints(sweep: string, store: Pick<SweepStore, 'get'>): Promise<void> {
  const folder = join(sweep, sweepFiles.checkpoints);
  for (const shard of await namesIn(folder))
    for (const name of await namesIn(join(folder, shard))) {
      const state = /^\d{7,}$/.test(name) ? store.get(Number(name))?.state : undefined;
      if (state !== 'done' && state !== 'failed') continue;
      await rm(join(folder, shard, name), { recursive: true, force: true }).catch(() => undefined);
    }
}

/** Removes half copies of jobs that are over: workers were killed, or their node was. Those of jobs that may live stay. */
export async function removeDeadParts(sweep: string, fleet: Fleet): Promise<void> {
  // Of an array whose name at the grid is not known, any may be.
  if (fleet.uncertain.length > 0) return;
  const live = [...fleet.chunks.values()].map(({ job = '' }) => `${job.replace(/[^\w.-]/g, '_')}_`);
  const points = join(sweep, sweepFiles.points);
  for (const shard of await namesIn(points))
    for (const name of await namesIn(join(points, shard))) {
      const job = part.exec(name)?.[1];
      if (job === undefined || live.some((beginning) => job.startsWith(beginning))) continue;
      await rm(join(points, shard, name), { recursive: true, force: true });
    }
}

const namesIn = (folder: string) => readdir(folder).catch(() => []);
