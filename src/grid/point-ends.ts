import type { Point, PointOutcome } from '../model/sweep.js';
import type { ConductParts } from '../sweep/conductor.js';
import type { RetryQueue } from '../sweep/schedule/retry-queue.js';
import type { Arrived } from './arrivals.js';
import type { FailureKind } from './classify.js';
import {
  type GridDecision,
  type GridRetryLimits,
  type GridTally,
  afterFailure,
  afterLoss,
  noGridTally,
} from './retry.js';

/** What becomes of points that a grid has run: ended for good, or to be run again. */
export class PointEnds {
  /** Why the sweep is to stop, once a condition holds. */
  stopped: string | undefined;
  readonly #parts: ConductParts;
  readonly #queue: RetryQueue<Point>;
  readonly #limits: GridRetryLimits;
  readonly #tallies = new Map<number, GridTally>();
  readonly #running = new Set<number>();
  readonly #ends = { done: 0, failed: 0, lost: 0 };

  constructor(parts: ConductParts, queue: RetryQueue<Point>, limits: GridRetryLimits) {
    this.#parts = parts;
    this.#queue = queue;
    this.#limits = limits;
  }

  get running(): number {
    return this.#running.size;
  }

  tallyOf(index: number): GridTally {
    return this.#tallies.get(index) ?? noGridTally;
  }

  /** Workers have begun them. */
  began(now: number, points: readonly Point[]): void {
    const { store, progress, onEvent } = this.#parts;
    const fresh = points.filter(({ index }) => !this.#running.has(index));
    if (fresh.length === 0) return;
    store.together(() => {
      for (const { index } of fresh) store.run(index);
    });
    for (const point of fresh) {
      this.#running.add(point.index);
      progress.started(now, point.index, store.get(point.index)?.attempts ?? 1);
      progress.reached(point.index, 'running');
      onEvent({ event: 'point-started', point });
    }
  }

  /** Their results are there. */
  async arrived(now: number, results: readonly { point: Point; arrived: Arrived }[]): Promise<void> {
    const { store, known, onChange } = this.#parts;
    if (results.length === 0) return;
    store.together(() => {
      for (const { arrived } of results) store.end(arrived.point, arrived.outcome, arrived.data);
    });
    onChange();
    for (const { point, arrived } of results) {
      const { outcome, data } = arrived;
      const id = store.get(point.index)?.id;
      if (outcome.state === 'done' && id !== undefined) await known.remember(point.index, id);
      const decision =
        outcome.state === 'failed' ? afterFailure(this.tallyOf(point.index), this.#limits) : undefined;
      if (decision?.next === 'again') this.#again(now, point, outcome, decision);
      else this.#final(now, point, outcome, data);
    }
  }

  /** The instance was lost on a node that works: the guest did not boot, or the VMM failed. */
  lost(now: number, point: Point, outcome: PointOutcome): void {
    const late = outcome.cause === 'timeout' && !this.#limits.retryTimeouts;
    const decision = late
      ? ({ next: 'final', reason: '' } as const)
      : afterLoss('worker-failed', true, this.tallyOf(point.index), this.#limits);
    this.#settle(now, point, outcome, decision);
  }

  /** Its job ended without a result of it. @param begun it was being run */
  failed(now: number, point: Point, failure: { kind: FailureKind; begun: boolean; message: string }): void {
    const { kind, begun, message } = failure;
    const decision = afterLoss(kind, begun, this.tallyOf(point.index), this.#limits);
    this.#settle(now, point, { state: 'lost', cause: kind, message, status: null, times: null }, decision);
  }

  /** What it is given is wrong: there is no use in trying again. */
  wrong(now: number, point: Point, outcome: PointOutcome): void {
    const { store } = this.#parts;
    // Where it has never been submitted, it is no work's.
    if (!store.get(point.index)) store.stage(point.index, '0'.repeat(64));
    this.#settle(now, point, outcome, { next: 'final', reason: '' });
  }

  /** Somebody has cancelled it before it was begun. */
  cancelled(now: number, point: Point): void {
    const outcome = { state: 'cancelled', cause: 'interrupted', status: null, times: null } as const;
    this.#settle(now, point, outcome, { next: 'cancelled' });
  }

  /** It is as if it had never been submitted. */
  putBack(point: Point): void {
    this.#parts.store.forget(point.index);
    this.#parts.onChange();
  }

  #settle(now: number, point: Point, outcome: PointOutcome, decision: GridDecision): void {
    if (decision.next === 'again') {
      this.#again(now, point, outcome, decision);
      return;
    }
    const { store, onChange } = this.#parts;
    const state = decision.next === 'cancelled' ? 'cancelled' : outcome.state;
    const reason = decision.next === 'final' && decision.reason !== '' ? `; ${decision.reason}` : '';
    const told = { ...outcome, state, message: `${outcome.message ?? ''}${reason}` };
    store.end(point.index, told);
    onChange();
    this.#final(now, point, told, undefined);
  }

  #again(
    now: number,
    point: Point,
    outcome: PointOutcome,
    { tally, delay }: Extract<GridDecision, { next: 'again' }>,
  ): void {
    this.#tallies.set(point.index, tally);
    this.#parts.progress.putBack(point.index);
    this.#queue.add(point, now + delay);
    this.#running.delete(point.index);
    this.#parts.onEvent({ event: 'point-again', point, outcome, delay });
  }

  #final(now: number, point: Point, outcome: PointOutcome, data: Arrived['data']): void {
    const { progress, onEvent, stop, store, count } = this.#parts;
    const { index } = point;
    this.#tallies.delete(index);
    // A point whose beginning was never seen has ended all the same.
    if (!this.#running.delete(index)) progress.started(now, index, 1);
    if (outcome.state === 'cancelled') {
      progress.putBack(index);
      return;
    }
    progress.ended(now, index, outcome);
    onEvent({ event: 'point-ended', point, outcome });
    this.#ends[outcome.state]++;
    const counts = { ...this.#ends, pending: store.counts.pending, points: count, seconds: now };
    this.stopped ??= stop.check(counts, { parameters: point.parameters, ...(data ? { data } : {}) });
  }
}
