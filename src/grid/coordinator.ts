import type { Point } from '../model/sweep.js';
import type { GridStanding, SweepRequest } from '../model/sweep-status.js';
import type { ConductParts, Conductor, EndSignals } from '../sweep/conductor.js';
import { RetryQueue } from '../sweep/schedule/retry-queue.js';
import { RunOrder, type Turn } from '../sweep/schedule/run-order.js';
import { GvaError, errnoOf } from '../system/errors.js';
import { Fleet } from './fleet.js';
import { Follower } from './follower.js';
import { removeDeadParts, removeSpentCheckpoints } from './leftovers.js';
import { Nodes } from './nodes.js';
import { Pace, usualInterval } from './pace.js';
import { PointEnds } from './point-ends.js';
import { recoverChunks } from './recover.js';
import type { GridSettings } from './settings.js';
import { Submitter } from './submitter.js';
import { endSummary, submitSummary } from './summary-job.js';
import { type UncertainParts, dropChunk, endRepeated, findUncertain } from './uncertain.js';

/** Seconds between two submissions to a grid, or a file system, that was full. */
const pauseOfFull = 60;

/**
 * Has the points of a sweep run by a grid: submits arrays of jobs and follows them. Killed at any moment, another one
 * goes on from what is on the disk.
 */
export class GridCoordinator implements Conductor {
  trouble: GvaError | undefined;
  paused: string | undefined;
  /** Points that were left without a job when this client ended. */
  unsubmitted = 0;
  readonly #parts: ConductParts;
  readonly #signals: EndSignals;
  readonly #settings: GridSettings;
  readonly #fleet: Fleet;
  readonly #queue: RetryQueue<Point>;
  readonly #order: RunOrder;
  readonly #ends: PointEnds;
  readonly #nodes = new Nodes();
  readonly #follower: Follower;
  readonly #submitter: Submitter;
  readonly #pace: Pace;
  readonly #start = performance.now();
  readonly #asked: SweepRequest[] = [];
  #cancelled: string | undefined;
  /** The grid has not answered the last question. */
  #silent = false;
  #hasRoom = true;
  #waitUntil = 0;

  private constructor(
    parts: ConductParts,
    settings: GridSettings,
    signals: EndSignals,
    submitted: { fleet: Fleet; next: number },
  ) {
    const { spec } = parts;
    const { engine } = settings;
    const { fleet } = submitted;
    this.#parts = parts;
    this.#signals = signals;
    this.#settings = settings;
    this.#fleet = fleet;
    this.#order = new RunOrder(spec.plan.points, (index) => this.#turnOf(index), parts.sorting);
    this.#queue = new RetryQueue(this.#order.points());
    const delay = (settings.interval ?? usualInterval).shortest;
    const limits = { ...spec.retry, growth: settings.growth, delay };
    this.#ends = new PointEnds(parts, limits, (point, due) => this.#queue.add(point, due));
    this.#pace = new Pace(settings.interval);
    const common = { fleet, nodes: this.#nodes, signal: signals.abort };
    const tallyOf = (index: number) => this.#ends.tallyOf(index);
    const submitter = new Submitter(parts, settings, {
      ...{ ...common, queue: this.#queue, tallyOf, next: submitted.next },
    });
    this.#submitter = submitter;
    this.#follower = new Follower({
      ...{ ...common, engine, ends: this.#ends, patience: settings.patience },
      sweep: { ...parts, out: spec.out },
      onDuration: (seconds) => submitter.noteDuration(seconds),
    });
  }

  /** Takes over what an earlier client had submitted. @throws GvaError GRID_UNREADABLE */
  static async start(
    parts: ConductParts,
    settings: GridSettings,
    signals: EndSignals,
  ): Promise<GridCoordinator> {
    const { spec, store, identity } = parts;
    const fleet = new Fleet(spec.out);
    const plan = { points: spec.plan.points, identity };
    const next = await recoverChunks({ out: spec.out, store, plan }, fleet);
    await removeDeadParts(spec.out, fleet);
    return new GridCoordinator(parts, settings, signals, { fleet, next });
  }

  get now(): number {
    return (performance.now() - this.#start) / 1000;
  }

  get stopped(): string | undefined {
    return this.#cancelled ?? this.#ends.stopped;
  }

  get cancelled(): boolean {
    return this.#cancelled !== undefined;
  }

  get retrying(): boolean {
    return this.#queue.waiting > 0 || this.#asked.some(({ request }) => request === 'retry');
  }

  get running(): number {
    return this.#ends.running;
  }

  get parallel(): number {
    return Math.max(1, this.#fleet.standing.running);
  }

  get grid(): GridStanding {
    return { engine: this.#settings.engine.name, ...this.#fleet.standing };
  }

  /** Runs until all has ended, or somebody ends this client: then the jobs go on. */
  async run(): Promise<void> {
    const { abort, finish } = this.#signals;
    try {
      for (;;) {
        await this.#hearRequests();
        if (await this.#follower.listen(this.now)) this.#pace.hurry();
        await this.#ask();
        if (await this.#follower.judge(this.now)) this.#pace.hurry();
        this.#noteTrouble();
        await this.#submit();
        if (finish.aborted || this.#isOver()) break;
        await this.#pace.wait(finish);
      }
      await this.#leave();
    } catch (error) {
      if (!abort.aborted) throw error;
    }
  }

  tick(): Promise<void> {
    return Promise.resolve();
  }

  take(request: SweepRequest): void {
    this.#asked.push(request);
    this.#pace.urge();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  get #isEnding(): boolean {
    return this.stopped !== undefined || this.trouble !== undefined;
  }

  #isOver(): boolean {
    if (this.#isEnding) return this.#follower.isDone;
    const { allSubmitted } = this.#submitter;
    const sure = this.#fleet.uncertain.length === 0;
    if (this.#settings.leave && sure && this.paused === undefined && (allSubmitted || !this.#hasRoom))
      return true;
    return this.#follower.isDone && allSubmitted;
  }

  async #hearRequests(): Promise<void> {
    for (const request of this.#asked.splice(0)) {
      if (request.request === 'retry') this.#retry(request.points);
      else if (request.points === 'all') this.#cancelled ??= 'it was cancelled';
      else {
        const points = new Set(request.points as number[]);
        this.#queue.remove(({ index }) => points.has(index));
        await this.#follower.cancelPoints(this.now, points);
      }
    }
    if (!this.#isEnding || this.#follower.ending) return;
    this.#follower.ending = true;
    this.#pace.urge();
  }

  /** Asks the grid, if it is time to; where it does not answer, nothing is known and nothing changes. */
  async #ask(): Promise<void> {
    this.#follower.forgetStates();
    if (this.#fleet.elements === 0 || !this.#pace.mayAsk(this.now)) return;
    try {
      await this.#settleUncertain();
      await this.#follower.cancelUnwanted(this.now);
      await this.#follower.look();
      this.#pace.answered(this.now);
      if (this.#silent) this.#resume();
      this.#silent = false;
    } catch (error) {
      if (this.#signals.abort.aborted || !(error instanceof GvaError)) throw error;
      this.#pace.silent(this.now);
      this.#silent = true;
      this.#pause(`the grid does not answer: ${error.message}`);
    }
  }

  async #settleUncertain(): Promise<void> {
    const { engine, patience } = this.#settings;
    const { out } = this.#parts.spec;
    const signal = this.#signals.abort;
    const parts: UncertainParts = { engine, fleet: this.#fleet, sweep: out, patience, signal };
    const missing = await findUncertain(parts, this.now);
    await endRepeated(parts);
    if (!missing) return;
    if (!this.#follower.ending) {
      await this.#submitter.send(missing);
      missing.repeated = true;
      return;
    }
    for (const point of await dropChunk(parts, missing)) this.#ends.putBack(point);
  }

  #noteTrouble(): void {
    this.trouble ??= this.#nodes.trouble;
    const { full } = this.#follower;
    this.#follower.full = undefined;
    if (full !== undefined) this.#pause(full, pauseOfFull);
  }

  async #submit(): Promise<void> {
    const { finish, abort } = this.#signals;
    if (finish.aborted || abort.aborted || this.#isEnding) return;
    if (this.now < this.#waitUntil || this.#silent) return;
    this.#resume();
    try {
      this.#hasRoom = await this.#submitter.submit(this.now);
    } catch (error) {
      if (this.#signals.abort.aborted) throw error;
      this.#notSubmitted(error);
    }
    await this.#ends.arrived(this.now, this.#submitter.takeKnown());
    for (const { point, outcome } of this.#submitter.takeWrong()) this.#ends.wrong(this.now, point, outcome);
  }

  #notSubmitted(error: unknown): void {
    if (!(error instanceof GvaError)) {
      if (!isPassing(error)) throw error;
      this.#pause(`the folder of the sweep cannot be written to: ${error.message}`, pauseOfFull);
    } else if (error.code === 'GRID_FULL' || error.code === 'GRID_SILENT')
      this.#pause(error.message, pauseOfFull);
    else if (error.code !== 'GRID_REFUSED' || !this.#nodes.forgive()) this.trouble = error;
  }

  #pause(reason: string, seconds = 0): void {
    if (seconds > 0) this.#waitUntil = this.now + (this.#settings.patience ?? seconds);
    if (this.paused === reason) return;
    this.paused = reason;
    this.#parts.onEvent({ event: 'paused', reason });
  }

  #resume(): void {
    if (this.paused === undefined) return;
    this.paused = undefined;
    this.#parts.onEvent({ event: 'resumed' });
  }

  /** This client ends before the jobs do. */
  async #leave(): Promise<void> {
    const { store, spec } = this.#parts;
    const { engine } = this.#settings;
    const { abort } = this.#signals;
    if (this.cancelled) await endSummary(spec.out, engine, abort);
    await removeSpentCheckpoints(spec.out, store);
    if (this.#follower.isDone) return;
    // Those that wait to be run again, and have not been begun, are pending.
    const waiting = this.#queue.remove(() => true).filter(({ index }) => store.get(index) !== undefined);
    this.unsubmitted = store.counts.pending + waiting.length;
    if (this.#settings.summary === undefined || this.#isEnding) return;
    await submitSummary(spec.out, this.#settings, this.#fleet, abort);
  }

  #retry(which: readonly number[] | 'failed' | 'lost'): void {
    const { store, spec } = this.#parts;
    const wanted = typeof which === 'string' ? undefined : new Set(which);
    const states = wanted ? (['failed', 'lost', 'cancelled'] as const) : [which as 'failed' | 'lost'];
    const numbers = [...store.states(...states)]
      .map(({ number }) => number)
      // Those that this run has not come to yet are run without being asked for.
      .filter((number) => this.#order.hasCome(number) && (wanted?.has(number) ?? true));
    const chosen = new Set(numbers);
    this.#queue.remove(({ index }) => chosen.has(index));
    for (const number of numbers) {
      const [point] = spec.plan.points.points(number);
      if (point) this.#queue.add(point, this.now);
    }
  }

  #turnOf(index: number): Turn {
    const { spec, store } = this.#parts;
    if (this.#fleet.of(index)) return 'never';
    const state = store.get(index)?.state;
    if (state === 'done' && !spec.force) return 'never';
    return state === 'lost' ? 'last' : 'now';
  }
}

/** A file system that is full, or does not answer, may do better later. */
const isPassing = (error: unknown): error is Error =>
  ['ENOSPC', 'EDQUOT', 'EIO', 'ESTALE', 'ETIMEDOUT', 'EROFS'].includes(errnoOf(error) ?? '');
