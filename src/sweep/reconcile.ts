import { statSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Pace } from '../disk/pace.js';
import type { Point } from '../model/sweep.js';
import { pointFolder, resultFiles, sweepFiles } from '../system/paths.js';
import { type IdentityOf, type KnownResult, outcomeOf, parseResult } from './done-points.js';
import type { KnownResults } from './known-results.js';
import type { PointSource } from './plan/points.js';
import { readKeptData } from './results/kept.js';
import type { PointWork } from './store/rows.js';
import type { SweepStore } from './store/store.js';

export interface Reconciled {
  readonly store: SweepStore;
  readonly known: KnownResults;
  /** Of the sweep. */
  readonly folder: string;
  readonly points: PointSource;
  readonly identity: IdentityOf;
}

/**
 * Brings the store in line with the plan as it is now, and with the result files, which are the truth: what a killed
 * process had published counts, what it had not does not, what was removed is to be done again, and results of points
 * that now have another number, or none, are put aside from where the points that they belong to take them.
 */
export async function reconcile(sweep: Reconciled, signal: AbortSignal): Promise<void> {
  const plan = sweep.points.points()[Symbol.iterator]();
  let point = plan.next();
  // It takes some 20 us for each record: a Ctrl-C is heard in between.
  const pace = new Pace(Infinity, signal);
  for (const work of sweep.store.works()) {
    await pace.turn();
    while (!point.done && point.value.index < work.number) point = plan.next();
    const here = !point.done && point.value.index === work.number ? point.value : undefined;
    await settle(sweep, work, here, hasResult(sweep.folder, work.number));
  }
}

async function settle(
  { store, known, folder, identity }: Reconciled,
  work: PointWork,
  point: Point | undefined,
  exists: boolean,
): Promise<void> {
  const { number, id, state } = work;
  // A point whose files cannot be read will say so when it is its turn.
  const wanted = point && (await identity(point).catch(() => undefined));
  if (wanted !== id) {
    if (exists) await known.setAside(number, id);
    store.forget(number);
  } else if (state === 'done' && !exists) store.forget(number);
  else if (state === 'staged' || state === 'running') {
    const result = exists ? await resultOf(folder, number) : undefined;
    if (result?.identity !== id) return;
    store.end(number, outcomeOf(result), await readKeptData(pointFolder(folder, number)));
  }
}

async function resultOf(folder: string, number: number): Promise<KnownResult | undefined> {
  const text = await readFile(join(pointFolder(folder, number), resultFiles.result), 'utf8').catch(
    () => undefined,
  );
  return text === undefined ? undefined : parseResult(text);
}

/** Makes the records of an empty store from the result files. @returns how many there are */
export async function rebuildStore(store: SweepStore, folder: string, signal: AbortSignal): Promise<number> {
  const points = join(folder, sweepFiles.points);
  let count = 0;
  for (const shard of await namesIn(points, /^\d{4,}$/))
    for (const name of await namesIn(join(points, shard), /^\d{7,}$/)) {
      signal.throwIfAborted();
      const number = Number(name);
      const result = await resultOf(folder, number);
      if (!result || !/^[0-9a-f]{64}$/.test(result.identity)) continue;
      store.stage(number, result.identity);
      store.end(number, outcomeOf(result), await readKeptData(pointFolder(folder, number)));
      count++;
    }
  return count;
}

async function namesIn(folder: string, pattern: RegExp): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => pattern.test(name)).sort();
}

/** Blocking, because a question costs 3 us so, and 40 us on the thread pool. */
function hasResult(folder: string, number: number): boolean {
  const info = statSync(join(pointFolder(folder, number), resultFiles.result), { throwIfNoEntry: false });
  return info !== undefined && info.size > 0;
}
