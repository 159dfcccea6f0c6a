import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FailedPoint, SweepStatus } from '../model/sweep-status.js';
import type { SweepManifest } from '../model/sweep.js';
import { KnownResults } from '../sweep/known-results.js';
import { openStore } from '../sweep/open-store.js';
import { readStatus } from '../sweep/observe/status.js';
import type { PointSource } from '../sweep/plan/points.js';
import { CurrentTable } from '../sweep/results/current-table.js';
import { ResultsFile } from '../sweep/results/results-file.js';
import { Progress, type ProgressParts } from '../sweep/schedule/progress.js';
import { defaultRetryLimits } from '../sweep/schedule/retry-policy.js';
import { StopConditions } from '../sweep/schedule/stop-conditions.js';
import { StatusFile, type StatusParts } from '../sweep/status-file.js';
import type { SweepStore } from '../sweep/store/store.js';
import { openSweepFolder } from '../sweep/sweep-folder.js';
import { GvaError } from '../system/errors.js';
import { pointFolder, sweepFiles } from '../system/paths.js';
import type { GridEngine } from './engine.js';
import { Fleet } from './fleet.js';
import { Follower } from './follower.js';
import { removeDeadParts, removeSpentCheckpoints } from './leftovers.js';
import { Nodes } from './nodes.js';
import { PointEnds } from './point-ends.js';
import { recoverChunks } from './recover.js';
import { endSummary } from './summary-job.js';
import { dropChunk, findUncertain } from './uncertain.js';

export interface FoldSpec {
  /** Of the sweep, absolute. */
  readonly folder: string;
  readonly manifest: SweepManifest;
  readonly engine: GridEngine;
  /** Points of the plan, as it was when the sweep was run; without them the table stays as it is. */
  readonly points: Pick<PointSource, 'names' | 'points'> | undefined;
  /** What is to be ended: points, or all that waits and runs. */
  readonly cancel?: readonly number[] | 'all';
  /** Other sweeps may take its results. */
  readonly shared: boolean;
  /** Seconds between two looks. */
  readonly interval?: number;
  /** Seconds that what has ended is given to say why, instead of the usual ones. */
  readonly patience?: number;
}

/** Seconds after which what has not said why it ended is left to whoever looks next: more than it is given to say so. */
const longestWait = 30;
/** However long one of them takes: what has ended is settled by the second, what is not spoken of by the third. */
const fewestLooks = 4;
const mostNamed = { slowest: 10, failures: 20 } as const;

/**
 * Takes in what the jobs of a sweep have done while no process had its folder: store, table and status are then as if one
 * had been there. Nothing is submitted: what would be run again is pending. With `cancel: 'all'`, it returns when no job
 * is left.
 *
 * @throws GvaError SWEEP_IN_USE, and others as `openSweepFolder()`; the signal's reason, when all is written that is known
 */
export async function foldSweep(spec: FoldSpec, signal: AbortSignal): Promise<SweepStatus> {
  const { folder, manifest, shared } = spec;
  await using opened = await openSweepFolder(folder, manifest.appliance.name);
  using store = await openStore(opened.folder, manifest.count, () => undefined, signal);
  const table = new CurrentTable(store, true);
  const fleet = new Fleet(folder);
  await recoverChunks({ out: folder, store }, fleet);
  const parts = { store, known: new KnownResults(folder, shared), progress: new Progress(0) };
  const folding = new Folding(spec, { ...parts, fleet }, signal);
  try {
    await folding.run();
  } finally {
    await removeDeadParts(folder, fleet);
    await removeSpentCheckpoints(folder, store);
    if (await folding.write()) table.written();
  }
  signal.throwIfAborted();
  return await folding.tell();
}

interface FoldParts {
  readonly store: SweepStore;
  readonly known: KnownResults;
  readonly progress: Progress;
  readonly fleet: Fleet;
}

class Folding {
  readonly #spec: FoldSpec;
  readonly #parts: FoldParts;
  readonly #signal: AbortSignal;
  readonly #follower: Follower;
  readonly #ends: PointEnds;
  readonly #start = performance.now();
  #reason: string | undefined;
  /** As far as is known. */
  #hasSummary = true;

  constructor(spec: FoldSpec, parts: FoldParts, signal: AbortSignal) {
    const { folder, manifest, engine, patience } = spec;
    this.#spec = spec;
    this.#parts = parts;
    this.#signal = signal;
    const nothing = () => undefined;
    const sweep = { ...parts, stop: new StopConditions({}), count: manifest.count };
    const told = { ...sweep, onEvent: nothing, onChange: nothing, out: folder };
    const limits = { ...defaultRetryLimits, attempts: 1, growth: { memory: 1, time: 1 }, delay: 0 };
    this.#ends = new PointEnds(told, limits);
    this.#follower = new Follower({
      ...{ sweep: told, engine, fleet: parts.fleet, nodes: new Nodes(), patience, signal },
      ends: this.#ends,
    });
    this.#follower.ending = spec.cancel === 'all';
  }

  get #now(): number {
    return (performance.now() - this.#start) / 1000;
  }

  async run(): Promise<void> {
    const { cancel, interval = 1, patience = longestWait / 3 } = this.#spec;
    const follower = this.#follower;
    if (cancel !== undefined && cancel !== 'all') {
      await follower.listen(this.#now);
      await follower.cancelPoints(this.#now, new Set(cancel));
    }
    for (let looks = 1; ; looks++) {
      await follower.listen(this.#now);
      await this.#ask();
      await follower.judge(this.#now);
      if (follower.isDone || this.#signal.aborted) return;
      const enough = looks >= fewestLooks && this.#now > 3 * patience;
      if (cancel !== 'all' && (!follower.isWaiting || enough)) return;
      await sleep(interval * 1000, undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }

  /** A grid that does not answer leaves what workers have written down. */
  async #ask(): Promise<void> {
    const { engine, cancel, folder: sweep, patience } = this.#spec;
    const follower = this.#follower;
    follower.forgetStates();
    try {
      const { fleet } = this.#parts;
      const uncertain = { engine, fleet, sweep, patience, signal: this.#signal };
      const missing = await findUncertain(uncertain, this.#now);
      if (missing && cancel === 'all')
        for (const point of await dropChunk(uncertain, missing)) this.#ends.putBack(point);
      if (cancel !== undefined) await follower.cancelUnwanted(this.#now);
      if (cancel === 'all') await this.#endSummary();
      await follower.look();
      this.#reason = undefined;
    } catch (error) {
      if (this.#signal.aborted) return;
      if (!(error instanceof GvaError)) throw error;
      this.#reason = `the grid does not answer: ${error.message}`;
    }
  }

  /** Once: the last job would find nothing to do. */
  async #endSummary(): Promise<void> {
    const { folder, engine } = this.#spec;
    if (!this.#hasSummary) return;
    await endSummary(folder, engine, this.#signal);
    this.#hasSummary = false;
  }

  /** The table and the status. @returns whether the table, too */
  async write(): Promise<boolean> {
    const { folder, points } = this.#spec;
    const { store } = this.#parts;
    if (points) {
      await using table = new ResultsFile(join(folder, sweepFiles.results), {
        ...{ points, ends: () => store.ends(), data: () => store.data() },
        folderOf: (index) => pointFolder('', index),
      });
      await table.write();
    }
    await new StatusFile(folder).finish(await this.#status());
    return points !== undefined;
  }

  /** The status as it was written. */
  async tell(): Promise<SweepStatus> {
    const seen = await readStatus(this.#spec.folder);
    if (!seen) throw new Error('a status that was just written is not there');
    return seen.status;
  }

  async #status(): Promise<StatusParts> {
    const { folder, manifest, engine } = this.#spec;
    const { store, fleet, progress } = this.#parts;
    const before = (await readStatus(folder).catch(() => undefined))?.status;
    const { counts } = store;
    const standing = { engine: engine.name, ...fleet.standing };
    const left = manifest.count - counts.done - counts.failed - counts.lost;
    const news = progress.parts(this.#now, new Date(), left, Math.max(1, standing.running));
    const state = fleet.elements > 0 ? 'running' : left > 0 ? 'stopped' : 'finished';
    const reason = this.#reason ?? (state === 'stopped' ? this.#whyStopped(before) : undefined);
    return {
      name: before?.name ?? manifest.appliance.name,
      ...{ state, points: manifest.count, counts, kept: before?.kept ?? 0, grid: standing },
      ...(reason === undefined ? {} : { reason }),
      ...(before?.gathered ? { gathered: before.gathered } : {}),
      startedAt: before?.startedAt ?? manifest.startedAt,
      parallel: Math.max(1, standing.running),
      ...{ perMinute: null, remaining: null, running: news.running },
      ...merged(before, news, (index) => store.get(index)?.state),
    };
  }

  #whyStopped(before: SweepStatus | undefined): string {
    if (this.#spec.cancel === 'all') return 'it was cancelled';
    const { jobFailure } = this.#ends;
    if (jobFailure !== undefined) return `${jobsEnded} (lately: ${jobFailure}), ${goesOn}`;
    // It was told, and is so still.
    const told = before?.state === 'stopped' ? before.reason : undefined;
    return told?.startsWith(jobsEnded) ? told : `${jobsEnded}, ${goesOn}`;
  }
}

const jobsEnded = 'its jobs have ended';
const goesOn = 'and gva sweep resume goes on with the rest';

/** What was told before, and is so still, and what is new. */
function merged(
  before: SweepStatus | undefined,
  news: ProgressParts,
  stateOf: (index: number) => string | undefined,
): Pick<SweepStatus, 'slowest' | 'failures'> {
  const isNew = new Set(news.failures.map(({ index }) => index));
  const old = (before?.failures ?? []).filter(
    ({ index, state }: FailedPoint) => !isNew.has(index) && stateOf(index) === state,
  );
  const slow = new Map([...(before?.slowest ?? []), ...news.slowest].map((one) => [one.index, one]));
  return {
    failures: [...news.failures, ...old].slice(0, mostNamed.failures),
    slowest: [...slow.values()].sort((a, b) => b.seconds - a.seconds).slice(0, mostNamed.slowest),
  };
}
