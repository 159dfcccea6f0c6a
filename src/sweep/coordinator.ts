import { setMaxListeners } from 'node:events';
import type { Point, PointOutcome } from '../model/sweep.js';
import type { SweepRequest } from '../model/sweep-status.js';
import type { GvaError } from '../system/errors.js';
import type { ChosenVmm } from '../vmm/choose.js';
import type { ConductParts, Conductor, EndSignals } from './conductor.js';
import { HostTrouble } from './host-trouble.js';
import type { HostWatch } from './host-watch.js';
import { outcomeOf } from './done-points.js';
import { pointPhase } from './point-phase.js';
import { readKeptData } from './results/kept.js';
import type { runPoint } from './run-point.js';
import { endedByFullDisk } from './schedule/disk-room.js';
import { type Tally, RetryPolicy, noTally } from './schedule/retry-policy.js';
import { RetryQueue } from './schedule/retry-queue.js';
import { type RunOrder, type Searching, searching } from './schedule/run-order.js';
import type { PointRecord } from './store/rows.js';
import { whenRoom } from './store/when-room.js';
import { orderOf } from './turns.js';
import type { WarmMachines } from './warm-machines.js';
import { pointFolder } from '../system/paths.js';

export interface CoordinatorParts extends ConductParts {
  readonly vmm: ChosenVmm;
  readonly host: HostWatch;
  readonly warm: WarmMachines;
  /** Runs the instance of one point. */
  readonly engine: typeof runPoint;
}

interface Attempt {
  readonly point: Point;
  readonly tally: Tally;
}

/**
 * Runs the points that are to be run: as many at once as the host has room for, lost ones again after a while, until
 * none is left, a condition stops the sweep, or somebody does. The store knows of each step before it is taken.
 */
export class Coordinator implements Conductor {
  /** Why the sweep stopped before its end; a sentence without its full stop. */
  stopped: string | undefined;
  /** Somebody else has asked for its end. */
  cancelled = false;
  /** What is in the way of all points on this host. */
  trouble: GvaError | undefined;
  readonly #parts: CoordinatorParts;
  readonly #queue: RetryQueue<Attempt>;
  readonly #policy: RetryPolicy;
  readonly #trouble = new HostTrouble();
  readonly #running = new Map<number, AbortController>();
  readonly #start = performance.now();
  readonly #signals: EndSignals;
  #wake: () => void = () => undefined;
  #failure: { error: unknown } | undefined;
  #pause: string | undefined;
  readonly #order: RunOrder;
  /** Points that have ended for good in this run. */
  readonly #ends = { done: 0, failed: 0, lost: 0 };

  constructor(parts: CoordinatorParts, signals: EndSignals) {
    this.#parts = parts;
    this.#signals = signals;
    this.#policy = new RetryPolicy(parts.spec.retry);
    this.#order = orderOf(parts);
    this.#queue = new RetryQueue(this.#toRun());
  }

  /** Seconds since the coordinator was made. */
  get now(): number {
    return (performance.now() - this.#start) / 1000;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Somebody has asked for points that have ended to be run again. */
  get retrying(): boolean {
    return this.#queue.waiting > 0;
  }

  get paused(): string | undefined {
    return this.#pause;
  }

  /** Runs until there is nothing left to do, or to wait for. Only what is a bug is thrown. */
  async run(): Promise<void> {
    const { finish, abort } = this.#signals;
    const end = () => {
      this.#keepWarm();
      this.#wake();
    };
    const cancel = () => {
      for (const controller of this.#running.values()) controller.abort(abort.reason);
      this.#wake();
    };
    finish.addEventListener('abort', end);
    abort.addEventListener('abort', cancel);
    try {
      while (await this.#step());
      if (this.#failure) throw this.#failure.error;
    } finally {
      finish.removeEventListener('abort', end);
      abort.removeEventListener('abort', cancel);
      this.#parts.warm.update(0);
    }
  }

  get parallel(): number {
    return this.#parts.host.state.atOnce;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.warm[Symbol.asyncDispose]();
    await this.#parts.host[Symbol.asyncDispose]();
  }

  /** What the host has room for. */
  async tick(): Promise<void> {
    const { host, store, onEvent, warm } = this.#parts;
    const { pending, active } = store.counts;
    const left = pending + active;
    const { pause } = await host.look(this.now, this.#running.size, left, warm.pool.machines);
    // The reason has numbers in it that change.
    if ((pause === undefined) !== (this.#pause === undefined))
      onEvent(pause === undefined ? { event: 'resumed' } : { event: 'paused', reason: pause });
    this.#pause = pause;
    this.#keepWarm();
    this.#wake();
  }

  /** Machines for the points that will be begun, if any will. */
  #keepWarm(): void {
    const { store, warm } = this.#parts;
    warm.update(this.#isEnding || this.#pause !== undefined ? 0 : store.counts.pending);
  }

  get #isEnding(): boolean {
    const { finish, abort } = this.#signals;
    return (
      finish.aborted ||
      abort.aborted ||
      this.stopped !== undefined ||
      this.trouble !== undefined ||
      this.#failure !== undefined
    );
  }

  /** What somebody else asked for. */
  take(request: SweepRequest): void {
    if (request.request === 'cancel' && request.points === 'all') {
      this.cancelled = true;
      this.stopped ??= 'it was cancelled';
      for (const controller of this.#running.values()) controller.abort();
    } else if (request.request === 'cancel') this.#cancelPoints(new Set(request.points as number[]));
    else this.#retry(request.points);
    this.#wake();
  }

  #cancelPoints(points: ReadonlySet<number>): void {
    this.#queue.remove(({ point }) => points.has(point.index));
    for (const [index, controller] of this.#running) if (points.has(index)) controller.abort();
  }

  /** Points that have ended otherwise than done come back into the queue. */
  #retry(which: readonly number[] | 'failed' | 'lost'): void {
    const { store, spec } = this.#parts;
    const wanted = typeof which === 'string' ? undefined : new Set(which);
    const states = wanted ? (['failed', 'lost', 'cancelled'] as const) : [which as 'failed' | 'lost'];
    const numbers = [...store.states(...states)]
      .map(({ number }) => number)
      // Those that this run has not come to yet are run without being asked for.
      .filter(
        (number) =>
          this.#order.hasCome(number) && (wanted?.has(number) ?? true) && !this.#running.has(number),
      );
    const chosen = new Set(numbers);
    this.#queue.remove(({ point }) => chosen.has(point.index));
    for (const number of numbers) {
      const [point] = spec.plan.points.points(number);
      if (point) this.#queue.add({ point, tally: noTally }, this.now);
    }
  }

  /** @returns whether there is more to do */
  async #step(): Promise<boolean> {
    const ending = this.#isEnding;
    const free = this.#running.size < this.#parts.host.state.atOnce && this.#pause === undefined;
    const next = ending || !free ? undefined : this.#queue.next(this.now);
    if (next?.item) {
      this.#begin(next.item);
      return true;
    }
    const waiting = !ending && (next !== undefined || !free);
    if (this.#running.size === 0 && !waiting) return false;
    await this.#sleep(next?.wait);
    return true;
  }

  #sleep(seconds = 60): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(seconds, 60) * 1000);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #begin(attempt: Attempt): void {
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    this.#running.set(attempt.point.index, controller);
    this.#keepWarm();
    this.#attempt(attempt, controller.signal)
      .catch((error: unknown) => (this.#failure ??= { error }))
      .finally(() => {
        this.#running.delete(attempt.point.index);
        this.#wake();
      });
  }

  async #attempt({ point, tally }: Attempt, signal: AbortSignal): Promise<void> {
    const { spec, vmm, store, progress, known, onEvent, onChange, host, engine } = this.#parts;
    const { index } = point;
    const id = await this.#parts.identity(point).catch(() => unknownWork);
    if (!spec.force && (await this.#adopt(point, id))) return;
    const before = store.get(index);
    // What stands there is of other work; it may be wanted again.
    if (before && before.id !== id) await known.setAside(index, before.id);
    const staged = await this.#written(() => store.stage(index, id), this.#signals.finish);
    if (!staged) return;
    progress.started(this.now, index, staged.value.attempts);
    onEvent({ event: 'point-started', point });
    const run = await engine(spec, point, vmm, {
      ...{ signal, leave: this.#signals.leave },
      onStarting: () => store.run(index),
      onEvent: (event) => {
        const phase = pointPhase(event);
        if (phase) progress.reached(index, phase.phase, phase);
      },
    });
    const { outcome, error } = run;
    // A disk that is full will have room again.
    if (!endedByFullDisk(outcome)) this.#trouble.note(outcome, error);
    this.trouble ??= this.#trouble.error;
    host.note(this.now, run);
    const data = outcome.state === 'done' ? await readKeptData(pointFolder(spec.out, index)) : undefined;
    // What is not written now is found again by its result file.
    if (!(await this.#written(() => store.end(index, outcome, data)))) return;
    onChange();
    if (outcome.state === 'done') await known.remember(index, id);
    await this.#afterwards({ point, tally }, outcome, error, data);
  }

  /** A full disk is waited for. @returns undefined where the sweep is to end before there is room */
  #written<T>(write: () => T, signal = this.#signals.abort): Promise<{ readonly value: T } | undefined> {
    return whenRoom(write, () => this.#parts.host.noteFull(this.now), signal);
  }

  async #afterwards(
    { point, tally }: Attempt,
    outcome: PointOutcome,
    error: GvaError | undefined,
    data: PointRecord['data'],
  ): Promise<void> {
    const { progress, onEvent, stop, store, count } = this.#parts;
    if (outcome.state === 'cancelled') {
      progress.putBack(point.index);
      return;
    }
    const decision = this.#policy.after(outcome, tally, error);
    if (decision.next === 'again' && !this.trouble) {
      progress.putBack(point.index);
      this.#queue.add({ point, tally: decision.tally }, this.now + decision.delay);
      onEvent({ event: 'point-again', point, outcome, delay: decision.delay });
      return;
    }
    const told =
      decision.next === 'set-aside' ? { ...outcome, message: setAside(outcome, decision.reason) } : outcome;
    if (told !== outcome) await this.#written(() => store.end(point.index, told, data));
    progress.ended(this.now, point.index, told);
    onEvent({ event: 'point-ended', point, outcome: told });
    this.#ends[outcome.state]++;
    const counts = { ...this.#ends, pending: store.counts.pending, points: count, seconds: this.now };
    this.stopped ??= stop.check(counts, { parameters: point.parameters, ...(data ? { data } : {}) });
    const message = stop.takeEarlyWarning();
    if (message !== undefined) onEvent({ event: 'note', code: 'STOP_WHEN_UNSEEN', message });
  }

  /** Takes a result of the same work that is there already. */
  async #adopt(point: Point, id: string): Promise<boolean> {
    const { known, store, spec, onEvent, onChange } = this.#parts;
    const result = await known.adopt(point.index, id);
    if (!result) return false;
    const outcome = outcomeOf(result);
    const data = await readKeptData(pointFolder(spec.out, point.index));
    const whole = await this.#written(() => {
      store.stage(point.index, id);
      store.end(point.index, outcome, data);
    });
    if (!whole) return true;
    onChange();
    onEvent({ event: 'point-ended', point, outcome });
    return true;
  }

  *#toRun(): Generator<Attempt | Searching> {
    for (const point of this.#order.points())
      yield point === searching ? searching : { point, tally: noTally };
  }
}

/** What a point that is given up says: also why it is not tried again. */
const setAside = ({ message }: PointOutcome, reason: string) =>
  `${message === undefined ? '' : `${message}; `}set aside: ${reason}`;

/** Of a point whose files cannot be read: it is no work's identity. */
const unknownWork = '0'.repeat(64);
