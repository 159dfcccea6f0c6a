import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Point } from '../model/sweep.js';
import { gridChunk, gridFiles, pointFolder, pointPart } from '../system/paths.js';
import { GvaError } from '../system/errors.js';
import { type Arrived, Arrivals, readArrived } from './arrivals.js';
import { faultOfLogs } from './chunk-logs.js';
import { closeChunk } from './chunks.js';
import { type FailureKind, classify, rules } from './classify.js';
import { type ElementState, type SubmittedArray, elementLog } from './engine.js';
import type { LiveChunk, LiveElement } from './fleet.js';
import { type FollowParts, patience } from './follow-parts.js';
import { Listener } from './listener.js';
import type { Reason } from './nodes.js';
import { cancelPoints, endUnwanted } from './unwanted.js';

/** Good answers of the grid in a row without a word of an element, after which it is taken for gone. */
const goneAfter = 2;

/** An element that is over. */
interface Over {
  readonly element: LiveElement;
  readonly state: ElementState | undefined;
  /** Its points without an end. */
  readonly awaited: readonly Point[];
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
  readonly #listener: Listener;
  /** What the grid has just said; undefined where it was not asked, or has not answered. */
  #seen: ReadonlyMap<LiveElement, ElementState> | undefined;

  constructor(parts: FollowParts) {
    this.#parts = parts;
    this.#arrivals = new Arrivals(parts.sweep.out, parts.patience ?? patience.result);
    this.#listener = new Listener(parts, this.#arrivals);
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
  listen(now: number): Promise<boolean> {
    return this.#listener.listen(now);
  }

  /** Asks the grid to end what nobody wants any more. @throws GvaError GRID_SILENT */
  cancelUnwanted(now: number): Promise<void> {
    return endUnwanted(this.#parts, { ending: this.ending, now });
  }

  /** Somebody has cancelled these points: what runs is to be ended, and what does not is not begun. */
  cancelPoints(now: number, points: ReadonlySet<number>): Promise<void> {
    return cancelPoints(this.#parts, this.#arrivals, now, points);
  }

  /** Not asked, or no answer: nothing is known, and nothing changes. */
  forgetStates(): void {
    this.#seen = undefined;
  }

  /** Asks the grid, once. @throws GvaError GRID_SILENT, GRID_MISSING */
  async look(): Promise<void> {
    const { engine, fleet, signal } = this.#parts;
    this.#seen = undefined;
    const chunks = [...fleet.chunks.values()].filter(({ job }) => job !== undefined);
    if (chunks.length > 0) this.#seen = match(await engine.poll(arraysOf(chunks), signal), chunks);
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
    const arrays = arraysOf(new Set(gone.map(({ element: { chunk } }) => chunk)));
    if (arrays.length === 0) return [...over];
    const states = await engine.recall(arrays, signal).catch((error: unknown) => {
      if (signal.aborted || !(error instanceof GvaError)) throw error;
      return undefined;
    });
    const remembered = new Map(states?.map((state) => [`${state.array} ${state.element}`, state]));
    const longest = 6 * (this.#parts.patience ?? patience.record);
    return over.flatMap((one) => {
      if (!gone.includes(one)) return [one];
      const { chunk, number, overSince = now } = one.element;
      const state = remembered.get(`${chunk.intent.name} ${number}`);
      if (state?.state === 'ended') return [{ ...one, state }];
      // It may be slow to learn of ends.
      return states === undefined || (state && now - overSince < longest) ? [] : [one];
    });
  }

  /** @returns how many of its points somebody has cancelled */
  async #settle({ element, state, awaited }: Over, now: number): Promise<number> {
    const { sweep, fleet, ends } = this.#parts;
    const { chunk, worker } = element;
    const begun = new Set(element.begun);
    // The line that says so may be torn, or may never come.
    const here = await this.#arrived(awaited);
    if (fleet.settle(element)) await closeChunk(sweep.out, chunk.number);
    await removeParts(sweep.out, element.job, begun);
    await ends.arrived(now, here);
    const left = awaited.filter(({ index }) => !here.some(({ point }) => point.index === index));
    if (left.length === 0) return 0;
    const kind = await this.#kindOf(element, state);
    const reason = reasonOf(kind, element, state);
    this.#noteNode(element, state, kind, reason, now);
    if (rules[kind].then === 'wait') this.full = reason.message;
    const alone = element.size === 1;
    sweep.store.together(() => {
      for (const point of left) {
        const own = ownKind(kind, element, point);
        const loss = { kind: own, begun: begun.has(point.index), alone, message: messageFor(own, reason) };
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

  async #kindOf(element: LiveElement, state: ElementState | undefined): Promise<FailureKind> {
    if (this.ending) return 'cancelled';
    const kind = classify(element.worker, state);
    if (kind === 'launch-failed')
      return (await faultOfLogs(this.#parts.sweep.out, element.chunk.number)) ?? kind;
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
}

/** Failures of a job after which a point that was saved goes on, without being to blame for anything. */
const goesOn: ReadonlySet<FailureKind> = new Set([
  ...(['time-limit', 'out-of-time', 'preempted', 'node-failed', 'worker-failed', 'vanished'] as const),
]);

/** What the failure of its job is to this point. */
const ownKind = (kind: FailureKind, { saved }: LiveElement, { index }: Point): FailureKind =>
  goesOn.has(kind) && saved.has(index) ? 'saved' : kind;

const messageFor = (kind: FailureKind, { message }: Reason) =>
  kind === 'saved' ? `${rules.saved.told}: ${message}` : message;

/** Failures of a job that may come from where it was begun, and not from what it ran. */
const startFailures: ReadonlySet<FailureKind> = new Set(['worker-failed', 'launch-failed', 'node-unfit']);

function reasonOf(kind: FailureKind, { worker }: LiveElement, state: ElementState | undefined): Reason {
  const { told } = rules[kind];
  if (worker.trouble) return { code: worker.trouble.code, message: `${told}: ${worker.trouble.message}` };
  const words = state ? ` (${[state.word, state.reason].filter(Boolean).join(', ')})` : '';
  return { code: kind, message: `${told}${words}` };
}

const cancelledText = (points: number, sweep: string) =>
  `jobs were cancelled, and not by this sweep: ${points} of its points are not run; this runs them: gva sweep resume ${sweep}`;

/** What a job was copying when it ended. */
async function removeParts(sweep: string, job: string | undefined, points: Iterable<number>): Promise<void> {
  if (job === undefined) return;
  for (const index of points)
    await rm(pointPart(pointFolder(sweep, index), job.replace(/[^\w.-]/g, '_')), {
      recursive: true,
      force: true,
    }).catch(() => undefined);
}

/** As the grid knows them. */
const arraysOf = (chunks: Iterable<LiveChunk>): SubmittedArray[] =>
  [...chunks].flatMap(({ job, intent: { name } }) => (job === undefined ? [] : [{ job, name }]));

/** What the grid says of each element that is expected; of those of which it says nothing, that is noted. */
function match(
  states: readonly ElementState[],
  chunks: readonly LiveChunk[],
): ReadonlyMap<LiveElement, ElementState> {
  const seen = new Map<LiveElement, ElementState>();
  const byName = new Map(chunks.map((chunk) => [chunk.intent.name, chunk]));
  for (const state of states) {
    const element = byName.get(state.array)?.elements.get(state.element);
    if (!element) continue;
    seen.set(element, state);
    if (state.state !== 'ended') element.state = state.state;
    if (state.node !== undefined) element.node ??= state.node;
  }
  for (const chunk of chunks)
    for (const element of chunk.elements.values())
      element.silent = seen.has(element) ? 0 : element.silent + 1;
  return seen;
}

/** Nothing more will come of the element by itself. */
function isOver({ worker, open, silent }: LiveElement, state: ElementState | undefined): boolean {
  if (open.size === 0 && worker.ended) return true;
  return state?.state === 'ended' || silent >= goneAfter;
}
