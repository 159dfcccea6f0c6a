import type { Point, PointOutcome } from '../model/sweep.js';
import type { ConductParts } from '../sweep/conductor.js';
import type { Arrived } from './arrivals.js';
import {
  type GridDecision,
  type GridRetryLimits,
  type GridTally,
  type Loss,
  afterFailure,
  afterLoss,
  noGridTally,
} from './retry.js';
import { unstage } from './unstage.js';

/** What of a sweep the ends of its points concern. */
export type EndParts = Pick<
  ConductParts,
  'store' | 'known' | 'progress' | 'stop' | 'count' | 'onEvent' | 'onChange'
>;

/** Has a point run again, from that second on. */
export type RunAgain = (point: Point, due: number) => void;

/** A status of 128 + SIGKILL: whoever kills a VMM, and not its job, is the kernel that is out of memory. */
const killed = /\bstatus 137\b/;

/** What becomes of points that a grid has run: ended for good, or to be run again. */
export class PointEnds {
  /** Why the sweep is to stop, once a condition holds. */
  stopped: string | undefined;
  /** Why the latest job ended whose points nobody runs again. */
  jobFailure: string | undefined;
  readonly #parts: EndParts;
  readonly #limits: GridRetryLimits;
  readonly #runAgain: RunAgain | undefined;
  readonly #tallies = new Map<number, GridTally>();
  readonly #running = new Set<number>();
  readonly #ends = { done: 0, failed: 0, lost: 0 };

  /** @param runAgain absent where nobody can: what would be run again is pending */
  constructor(parts: EndParts, limits: GridRetryLimits, runAgain?: RunAgain) {
    this.#parts = parts;
    this.#limits = limits;
    this.#runAgain = runAgain;
  }

  get running(): number {
    return this.#running.size;
  }

  tallyOf(index: number): GridTally {
    return this.#tallies.get(index) ?? noGridTally;
  }

  /** Workers have begun them. @param news `ago`: seconds */
  began(now: number, news: readonly { readonly point: Point; readonly ago: number }[]): void {
    const { store, progress, onEvent } = this.#parts;
    const fresh = news.filter(({ point }) => !this.#running.has(point.index));
    if (fresh.length === 0) return;
    store.together(() => {
      for (const { point } of fresh) store.run(point.index);
    });
    for (const { point, ago } of fresh) {
      this.#running.add(point.index);
      progress.started(now - ago, point.index, store.get(point.index)?.attempts ?? 1);
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
        outcome.state === 'failed' && this.#runAgain
          ? afterFailure(this.tallyOf(point.index), this.#limits)
          : undefined;
      if (decision?.next === 'again') this.#again(now, point, outcome, decision);
      else this.#final(now, point, outcome, data);
    }
  }

  /** The instance was lost on a node that works: the guest did not boot, or the VMM failed. */
  lost(now: number, point: Point, outcome: PointOutcome): void {
    const late = outcome.cause === 'timeout' && !this.#limits.retryTimeouts;
    const kind =
      outcome.cause === 'vmm-failed' && killed.test(outcome.message ?? '')
        ? 'out-of-memory'
        : 'worker-failed';
    const decision = late
      ? ({ next: 'final', reason: '' } as const)
      : afterLoss({ kind, begun: true, alone: true }, this.tallyOf(point.index), this.#limits);
    this.#settle(now, point, outcome, decision);
  }

  /** Its job ended without a result of it. */
  failed(now: number, point: Point, loss: Loss & { readonly message: string }): void {
    const decision = afterLoss(loss, this.tallyOf(point.index), this.#limits);
    const cause = { state: 'lost', cause: loss.kind, message: loss.message } as const;
    const outcome = { ...cause, status: null, times: null };
    if (decision.next !== 'again') this.#settle(now, point, outcome, decision);
    else {
      if (loss.begun && this.#runAgain) this.#parts.store.end(point.index, outcome);
      else this.putBack(point);
      if (this.#runAgain) this.#again(now, point, outcome, decision);
      else this.jobFailure = loss.message;
    }
  }

  /** What it is given is wrong: there is no use in trying again. */
  wrong(now: number, point: Point, outcome: PointOutcome): void {
    const { store } = this.#parts;
    // Where it has never been submitted, it is no work's.
    if (!store.get(point.index)) store.stage(point.index, '0'.repeat(64));
    this.#settle(now, point, outcome, { next: 'final', reason: '' });
  }

  /** Somebody has cancelled it. */
  cancelled(now: number, point: Point): void {
    const outcome = { state: 'cancelled', cause: 'interrupted', status: null, times: null } as const;
    if (!this.#parts.store.get(point.index)) return;
    this.#settle(now, point, outcome, { next: 'cancelled' });
  }

  /** It is as if it had not been submitted. */
  putBack({ index }: Point): void {
    const { store, progress, onChange } = this.#parts;
    unstage(store, index);
    progress.putBack(index);
    this.#running.delete(index);
    onChange();
  }

  #settle(now: number, point: Point, outcome: PointOutcome, decision: GridDecision): void {
    const { store, onChange } = this.#parts;
    if (decision.next === 'again' && this.#runAgain) {
      store.end(point.index, outcome);
      this.#again(now, point, outcome, decision);
      return;
    }
    const state = decision.next === 'cancelled' ? 'cancelled' : outcome.state;
    const reason = decision.next === 'final' ? decision.reason : '';
    const message = [outcome.message, reason].filter(Boolean).join('; ');
    const told = { ...outcome, state, ...(message === '' ? {} : { message }) };
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
    this.#runAgain?.(point, now + delay);
    this.#running.delete(point.index);
    this.#parts.onEvent({ event: 'point-again', point, outcome, delay });
  }

  #final(now: number, point: Point, outcome: PointOutcome, data: Arrived['data']): void {
    const { progress, onEvent, stop, store, count } = this.#parts;
    const { index } = point;
    this.#tallies.delete(index);
    const begun = this.#running.delete(index);
    if (outcome.state === 'cancelled') {
      progress.putBack(index);
      return;
    }
    // Its result knows best how long it took; and one whose beginning was never seen has ended all the same.
    const seconds = outcome.times?.collected ?? undefined;
    if (!begun || seconds !== undefined)
      progress.started(now - (seconds ?? 0), index, store.get(index)?.attempts ?? 1);
    progress.ended(now, index, outcome);
    onEvent({ event: 'point-ended', point, outcome });
    this.#ends[outcome.state]++;
    const counts = { ...this.#ends, pending: store.counts.pending, points: count, seconds: now };
    this.stopped ??= stop.check(counts, { parameters: point.parameters, ...(data ? { data } : {}) });
    const message = stop.takeEarlyWarning();
    if (message !== undefined) onEvent({ event: 'note', code: 'STOP_WHEN_UNSEEN', message });
  }
}
