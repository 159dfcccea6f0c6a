import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GridRecord } from '../model/grid.js';
import type { Point, PointOutcome } from '../model/sweep.js';
import { gridChunk, gridFiles, pointFolder, pointPart } from '../system/paths.js';
import { GvaError, messageOf } from '../system/errors.js';
import { type Arrived, Arrivals, readArrived } from './arrivals.js';
import { closeChunk } from './chunks.js';
import { type FailureKind, classify, rules } from './classify.js';
import { type ElementState, type GridEngine, elementLog } from './engine.js';
import { type Fleet, type LiveChunk, type LiveElement, note } from './fleet.js';
import type { Nodes, Reason } from './nodes.js';
import type { EndParts, PointEnds } from './point-ends.js';

/** Seconds. */
const patience = {
  /** Between a worker's word that a point has ended and its result being seen. */
  result: 60,
  /** Between an element's end and its worker's last word, or the grid's reason, being seen. */
  record: 10,
  /** Until the grid is asked again to end what it has not ended. */
  cancel: 60,
} as const;

/** Good answers of the grid in a row without a word of an element, after which it is taken for gone. */
const goneAfter = 2;

export interface FollowParts {
  readonly sweep: EndParts & { readonly out: string };
  readonly engine: GridEngine;
  readonly fleet: Fleet;
  readonly ends: PointEnds;
  readonly nodes: Nodes;
  /** Seconds instead of the usual ones. */
  readonly patience: number | undefined;
  readonly signal: AbortSignal;
  /** Told how long a point took, in seconds. */
  readonly onDuration?: (seconds: number) => void;
}

/** An element that is over. */
interface Over {
  readonly element: LiveElement;
  readonly state: ElementState | undefined;
  /** Its points without an end. */
  readonly awaited: readonly Point[];
}

/** What workers have told in one reading. */
interface News {
  readonly began: { readonly point: Point; readonly at: number }[];
  /** Done when the points that began are known to have. */
  readonly ends: (() => void)[];
}

/**
 * Follows what was submitted: listens to what workers write down, asks the grid how all jobs stand, and decides what has
 * become of points. Result files are the truth; what the grid says explains only why there is none.
 */
export class Follower {
  /** All is to end: whatever ends without a result was cancelled. */
  ending = false;
  /** Why nothing more can be written to the sweep's folder for a while. Who has seen it may clear it. */
  full: string | undefined;
  readonly #parts: FollowParts;
  readonly #arrivals: Arrivals;
  /** What the grid has just said; undefined where it was not asked, or has not answered. */
  #seen: ReadonlyMap<LiveElement, ElementState> | undefined;

  constructor(parts: FollowParts) {
    this.#parts = parts;
    this.#arrivals = new Arrivals(parts.sweep.out, parts.patience ?? patience.result);
  }

  /** Nothing more will come. */
  get isDone(): boolean {
    return this.#parts.fleet.elements === 0 && this.#arrivals.size === 0;
  }

  /** Elements that have ended without their points' ends, and are given time to say why. */
  get isWaiting(): boolean {
    for (const { overSince, silent } of this.#parts.fleet.all())
      if (overSince !== undefined || silent > 0) return true;
    return false;
  }

  /** What workers have written down since the last time, and what results have come. @returns whether there is news */
  async listen(now: number): Promise<boolean> {
    const { fleet, ends, sweep } = this.#parts;
    const news: News = { began: [], ends: [] };
    let heard = false;
    for (const chunk of [...fleet.chunks.values()])
      for await (const { element, record } of chunk.reader.news((number) => chunk.elements.has(number))) {
        heard = true;
        const live = chunk.elements.get(element);
        if (!live) continue;
        note(live, record);
        if ('point' in record) this.#hear(now, live, record, news);
      }
    ends.began(now, news.began);
    if (news.ends.length > 0)
      sweep.store.together(() => {
        for (const end of news.ends) end();
      });
    const { here, missing } = await this.#arrivals.look(now, (index) => sweep.store.get(index)?.id);
    const results = here.flatMap((arrived) => {
      const point = fleet.close(arrived.point);
      return point ? [{ point, arrived }] : [];
    });
    await ends.arrived(now, results);
    for (const index of missing) {
      const point = fleet.close(index);
      const message = 'its result has not appeared';
      if (point) ends.failed(now, point, { kind: 'vanished', begun: true, alone: true, message });
    }
    return heard || here.length > 0 || missing.length > 0;
  }

  #hear(now: number, live: LiveElement, record: PointRecordLine, { began, ends }: News): void {
    const { nodes, onDuration } = this.#parts;
    live.fruitful = true;
    const point = live.open.get(record.point);
    // Of a point that has come to its end elsewhere, or that the plan has no more, nothing is wanted.
    if (!point || this.#arrivals.has(point.index)) return;
    const { index } = point;
    if (record.record === 'point-began') {
      nodes.begun(live.node);
      const at = Date.parse(record.at);
      live.begun.set(index, at);
      began.push({ point, at });
      return;
    }
    const since = live.begun.get(index);
    if (since !== undefined) onDuration?.((Date.parse(record.at) - since) / 1000);
    if (record.record === 'point-known') this.#arrivals.expect(index, 'any', now);
    else if (record.record === 'point-skipped') ends.push(this.#ended(now, point, undefined));
    else if (isUnsaved(record.outcome)) return;
    else if (isPublished(record.outcome))
      this.#arrivals.expect(index, record.published ? record.outcome.state : 'any', now);
    // A worker that was told to end publishes nothing; why it was told is for the grid to say.
    else if (record.outcome.state !== 'cancelled') ends.push(this.#ended(now, point, record.outcome));
  }

  /** It has come to an end without results. @param outcome undefined: somebody has cancelled it */
  #ended(now: number, point: Point, outcome: PointOutcome | undefined): () => void {
    const { fleet, ends } = this.#parts;
    return () => {
      if (!fleet.close(point.index)) return;
      if (outcome === undefined) ends.cancelled(now, point);
      else if (outcome.state === 'failed') ends.wrong(now, point, outcome);
      else ends.lost(now, point, outcome);
    };
  }

  /** Not asked, or no answer: nothing is known, and nothing changes. */
  forgetStates(): void {
    this.#seen = undefined;
  }

  /** Asks the grid, once. @throws GvaError GRID_SILENT, GRID_MISSING */
  async look(): Promise<void> {
    const { engine, fleet, signal } = this.#parts;
    this.#seen = undefined;
    const jobs = new Map<string, LiveChunk>();
    for (const chunk of fleet.chunks.values()) if (chunk.job !== undefined) jobs.set(chunk.job, chunk);
    if (jobs.size > 0) this.#seen = match(await engine.poll([...jobs.keys()], signal), jobs);
  }

  /** Settles the elements that are over. @returns whether there was any of which points are left */
  async judge(now: number): Promise<boolean> {
    const { fleet, sweep } = this.#parts;
    const over: Over[] = [];
    for (const element of fleet.all()) {
      const state = this.#seen?.get(element);
      if (element.open.size === 0) element.idleSince ??= now;
      if (!isOver(element, state)) continue;
      element.overSince ??= now;
      const awaited = [...element.open.values()].filter(({ index }) => !this.#arrivals.has(index));
      const early = now - element.overSince < (this.#parts.patience ?? patience.record);
      if (awaited.length < element.open.size || (awaited.length > 0 && early)) continue;
      over.push({ element, state, awaited });
    }
    const known = await this.#recall(over, now);
    let cancelled = 0;
    for (const one of known) cancelled += await this.#settle(one, now);
    if (cancelled > 0)
      sweep.onEvent({ event: 'note', code: 'JOBS_CANCELLED', message: cancelledText(cancelled, sweep.out) });
    return known.some(({ awaited }) => awaited.length > 0);
  }

  /** What the grid's accounting knows of elements that have gone without a word; those that it says are alive are left out. */
  async #recall(over: readonly Over[], now: number): Promise<Over[]> {
    const { engine, signal } = this.#parts;
    const gone = over.filter(
      ({ element, state, awaited }) => awaited.length > 0 && classify(element.worker, state) === 'vanished',
    );
    const jobs = new Set(
      gone.flatMap(({ element: { chunk } }) => (chunk.job === undefined ? [] : chunk.job)),
    );
    if (jobs.size === 0) return [...over];
    const states = await engine.recall([...jobs], signal).catch((error: unknown) => {
      if (signal.aborted || !(error instanceof GvaError)) throw error;
      return undefined;
    });
    const remembered = new Map(states?.map((state) => [`${state.job} ${state.element}`, state]));
    const longest = 6 * (this.#parts.patience ?? patience.record);
    return over.flatMap((one) => {
      if (!gone.includes(one)) return [one];
      const { chunk, number, overSince = now } = one.element;
      const state = remembered.get(`${chunk.job} ${number}`);
      if (state?.state === 'ended') return [{ ...one, state }];
      // It may be slow to learn of ends.
      return states === undefined || (state && now - overSince < longest) ? [] : [one];
    });
  }

  /** @returns how many of its points somebody has cancelled */
  async #settle({ element, state, awaited }: Over, now: number): Promise<number> {
    const { sweep, fleet, ends } = this.#parts;
    const { chunk, worker } = element;
    const begun = new Set(element.begun.keys());
    // The line that says so may be torn, or may never come.
    const here = await this.#arrived(awaited);
    if (fleet.settle(element)) await closeChunk(sweep.out, chunk.number);
    await removeParts(sweep.out, element.job, begun);
    await ends.arrived(now, here);
    const left = awaited.filter(({ index }) => !here.some(({ point }) => point.index === index));
    if (left.length === 0) return 0;
    const kind = this.#kindOf(element, state);
    const reason = reasonOf(kind, element, state);
    this.#noteNode(element, state, kind, reason, now);
    if (rules[kind].then === 'wait') this.full = reason.message;
    const alone = element.size === 1;
    sweep.store.together(() => {
      for (const point of left) {
        const loss = { kind, begun: begun.has(point.index), alone, message: reason.message };
        if (this.ending && !loss.begun) ends.putBack(point);
        else ends.failed(now, point, loss);
      }
    });
    return kind === 'cancelled' && !this.ending && worker.stopped !== 'TIME' ? left.length : 0;
  }

  async #arrived(points: readonly Point[]): Promise<{ point: Point; arrived: Arrived }[]> {
    const { store, out } = this.#parts.sweep;
    const found: { point: Point; arrived: Arrived }[] = [];
    for (const point of points) {
      const arrived = await readArrived(out, point.index, store.get(point.index)?.id);
      if (arrived) found.push({ point, arrived });
    }
    return found;
  }

  #kindOf(element: LiveElement, state: ElementState | undefined): FailureKind {
    if (this.ending) return 'cancelled';
    const kind = classify(element.worker, state);
    // It was cancelled for the sake of one point, and the others go on elsewhere.
    return kind === 'cancelled' && element.cancelledAt !== undefined ? 'preempted' : kind;
  }

  #noteNode(
    { chunk, number, worker, fruitful, node: told }: LiveElement,
    state: ElementState | undefined,
    kind: FailureKind,
    reason: Reason,
    now: number,
  ): void {
    const { nodes, sweep } = this.#parts;
    const node = told ?? state?.node;
    if (kind === 'node-unfit' && node !== undefined)
      nodes.unfit(node, worker.trouble ?? { code: kind, message: reason.message });
    else if (rules[kind].avoidNode && node !== undefined) nodes.failed(node, now);
    const log = join(gridChunk(sweep.out, chunk.number), gridFiles.logs, elementLog(number));
    if (!fruitful && startFailures.has(kind)) nodes.fruitless(node, reason, log);
  }

  /** Asks the grid to end what nobody wants any more. @throws GvaError GRID_SILENT */
  async cancelUnwanted(now: number): Promise<void> {
    const { engine, fleet, signal } = this.#parts;
    for (const { job, elements } of fleet.chunks.values()) {
      const due = [...elements.values()].filter((element) => this.#isUnwanted(element, now));
      if (job === undefined || due.length === 0) continue;
      const all = due.length === elements.size && this.ending;
      await engine.cancel(job, all ? undefined : due.map(({ number }) => number), signal);
      for (const element of due) element.cancelledAt = now;
    }
  }

  #isUnwanted(element: LiveElement, now: number): boolean {
    const { cancelledAt, idleSince, unwanted, state, overSince, open } = element;
    const usual = this.#parts.patience;
    if (
      overSince !== undefined ||
      (cancelledAt !== undefined && now - cancelledAt < (usual ?? patience.cancel))
    )
      return false;
    if (this.ending || unwanted) return true;
    if (open.size > 0) return false;
    // One that runs is about to end by itself, unless its points were done elsewhere.
    return state === 'pending' || (idleSince !== undefined && now - idleSince >= (usual ?? patience.record));
  }

  /** Somebody has cancelled these points: what runs is ended, and what does not is not begun. */
  async cancelPoints(now: number, points: ReadonlySet<number>): Promise<void> {
    const { fleet, ends, sweep } = this.#parts;
    for (const index of points) {
      const element = fleet.of(index);
      if (!element) continue;
      element.unwanted ||= element.begun.has(index);
      await markCancelled(sweep.out, element.chunk.number, index);
      this.#arrivals.forget(index);
      const point = fleet.close(index);
      if (point) ends.cancelled(now, point);
    }
  }
}

type PointRecordLine = Extract<GridRecord, { readonly point: number }>;

/** Failures of a job that may come from where it was begun, and not from what it ran. */
const startFailures: ReadonlySet<FailureKind> = new Set(['worker-failed', 'launch-failed', 'node-unfit']);

/** Results that the file system did not take; the worker says next what is wrong with it. */
const isUnsaved = ({ state, cause = '' }: PointOutcome) =>
  state === 'lost' && cause.startsWith('RESULT_UNSAVED');

/** What failed without a result was not run at all: what it was given is wrong. */
const isPublished = (outcome: PointOutcome): outcome is PointOutcome & { state: 'done' | 'failed' } =>
  outcome.state === 'done' || (outcome.state === 'failed' && outcome.times !== null);

function reasonOf(kind: FailureKind, { worker }: LiveElement, state: ElementState | undefined): Reason {
  const { told } = rules[kind];
  if (worker.trouble) return { code: worker.trouble.code, message: `${told}: ${worker.trouble.message}` };
  const words = state ? ` (${[state.word, state.reason].filter(Boolean).join(', ')})` : '';
  return { code: kind, message: `${told}${words}` };
}

const cancelledText = (points: number, sweep: string) =>
  `jobs were cancelled, and not by this sweep: ${points} of its points are not run; this runs them: gva sweep resume ${sweep}`;

/** Keeps workers from beginning a point, and from publishing its results. @throws GvaError SWEEP_UNWRITABLE */
export async function markCancelled(sweep: string, chunk: number, point: number): Promise<void> {
  const file = join(gridChunk(sweep, chunk), gridFiles.cancelled(point));
  await writeFile(file, '').catch((error: unknown) => {
    throw new GvaError('SWEEP_UNWRITABLE', `cannot write ${file}: ${messageOf(error)}`, { cause: error });
  });
}

/** What a job was copying when it ended. */
async function removeParts(sweep: string, job: string | undefined, points: Iterable<number>): Promise<void> {
  if (job === undefined) return;
  for (const index of points)
    await rm(pointPart(pointFolder(sweep, index), job.replace(/[^\w.-]/g, '_')), {
      recursive: true,
      force: true,
    }).catch(() => undefined);
}

/** What the grid says of each element that is expected; of those of which it says nothing, that is noted. */
function match(
  states: readonly ElementState[],
  jobs: ReadonlyMap<string, LiveChunk>,
): ReadonlyMap<LiveElement, ElementState> {
  const seen = new Map<LiveElement, ElementState>();
  for (const state of states) {
    const element = jobs.get(state.job)?.elements.get(state.element);
    if (!element) continue;
    seen.set(element, state);
    if (state.state !== 'ended') element.state = state.state;
    if (state.node !== undefined) element.node ??= state.node;
  }
  for (const chunk of jobs.values())
    for (const element of chunk.elements.values())
      element.silent = seen.has(element) ? 0 : element.silent + 1;
  return seen;
}

/** Nothing more will come of the element by itself. */
function isOver({ worker, open, silent }: LiveElement, state: ElementState | undefined): boolean {
  if (open.size === 0 && worker.ended) return true;
  return state?.state === 'ended' || silent >= goneAfter;
}
