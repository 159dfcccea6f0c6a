import { resolve } from 'node:path';
import type { Plan } from '../../sweep/plan/plan.js';
import type { SavedRun } from '../../sweep/observe/saved-options.js';
import type { SweepManifest } from '../../model/sweep.js';
import { GvaError, messageOf } from '../../system/errors.js';

/** Tells a person something. */
type Tell = (note: string) => unknown;

/** What is asked of the jobs at the same time. */
export interface TakeIn {
  /** Points that are to be cancelled, or all that waits and runs. */
  readonly cancel?: readonly number[] | 'all';
  /** Gets what a person should know. */
  readonly tell?: Tell;
}

/**
 * Takes in what jobs of a grid have done while no process had the sweep's folder; with `cancel`, ends them. Where there
 * are no such jobs, or a process has the folder, nothing is done. What does not succeed is told, and nothing is lost.
 *
 * @returns whether there were jobs, and nobody else had the folder
 * @throws GvaError where something is to be cancelled and cannot be; the signal's reason
 */
export async function takeIn(
  name: string,
  signal: AbortSignal,
  { cancel, tell = (note) => console.error(note) }: TakeIn = {},
): Promise<boolean> {
  const folder = resolve(name);
  const { readSavedRun } = await import('../../sweep/observe/saved-options.js');
  const saved = await readSavedRun(folder).catch(() => undefined);
  const grid = saved?.options?.grid;
  if (!saved || grid === undefined || !(await isLeft(folder))) return false;
  try {
    const { engineOf } = await import('./grid-options.js');
    const { foldSweep } = await import('../../grid/fold.js');
    const { readManifest } = await import('../../sweep/observe/manifest.js');
    const manifest = await readManifest(folder);
    const points = await pointsOf(saved, manifest, tell);
    const engine = await engineOf(grid);
    const shared = saved.options?.cache ?? true;
    await foldSweep({ folder, manifest, engine, points, shared, ...(cancel && { cancel }) }, signal);
    return true;
  } catch (error) {
    if (signal.aborted || cancel !== undefined || !isTold(error)) throw error;
    if (error instanceof GvaError && error.code === 'SWEEP_IN_USE') return false;
    tell(`note: what its jobs have done lately was not taken in: ${messageOf(error)}`);
    return false;
  }
}

/** Seconds between two times that what jobs have done is taken in, while no other process does. */
const takeInPause = 15;

/** Of jobs of a grid that go on without a process. What is in the way of it is told once. */
export function takeInNowAndThen(folder: string, signal: AbortSignal): () => Promise<void> {
  let next = -Infinity;
  const told = new Set<string>();
  const tell = (note: string) => {
    if (!told.has(note)) console.error(note);
    told.add(note);
  };
  return async () => {
    if (performance.now() < next) return;
    await takeIn(folder, signal, { tell });
    next = performance.now() + takeInPause * 1000;
  };
}

/** A file system that lets nobody write is no bug of ours. */
const isTold = (error: unknown) =>
  error instanceof GvaError || (error instanceof Error && 'syscall' in error && 'path' in error);

/** Nobody has the folder, and something may have come since somebody had. */
async function isLeft(folder: string): Promise<boolean> {
  const { ownerOf } = await import('../../sweep/observe/owner.js');
  const { readStatus } = await import('../../sweep/observe/status.js');
  const { listChunks } = await import('../../grid/chunks.js');
  if ((await ownerOf(folder)) !== 'none') return false;
  if ((await listChunks(folder)).open.length > 0) return true;
  const seen = await readStatus(folder).catch(() => undefined);
  return seen !== undefined && !seen.ended;
}

/** For the table; undefined where the plan is not what it was, and the table stays as it is. */
async function pointsOf(
  { plan: { file, text }, options }: SavedRun,
  manifest: SweepManifest,
  tell: Tell,
): Promise<Plan['points'] | undefined> {
  const { outlinePlan } = await import('../../sweep/plan/plan.js');
  const { countPoints } = await import('../../sweep/plan/points.js');
  const problem = (what: string) =>
    tell(`note: the table of results is not brought up to date, because ${what}`);
  try {
    const plan = await outlinePlan(file, { appliance: options?.appliance });
    const same = plan.text === text && String(plan.points.names) === String(manifest.parameters);
    if (same && Number(await countPoints(plan.points)) === manifest.count) return plan.points;
    problem(`the plan ${file} has changed`);
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    problem(`the plan cannot be read: ${error.message}`);
  }
  return undefined;
}
