import type { GuestProgress } from '../../model/guest-event.js';
import type { PointOutcome } from '../../model/sweep.js';
import type { FailedPoint, RunningPoint, SweepStatus } from '../../model/sweep-status.js';
import { Durations } from './durations.js';
import { EndRate } from './end-rate.js';

const [mostSlowest, mostFailures] = [10, 20];

/** What `Progress` knows of a sweep's status. */
export type ProgressParts = Pick<SweepStatus, 'perMinute' | 'remaining' | 'running' | 'slowest' | 'failures'>;

interface Running {
  readonly attempt: number;
  readonly start: number;
  phase: RunningPoint['phase'];
  fraction?: number;
  text?: string;
}

/**
 * How a sweep gets on, in memory that grows with the points that run at once only. Times are seconds of one clock that
 * never goes back.
 */
export class Progress {
  readonly #running = new Map<number, Running>();
  readonly #durations = new Durations();
  readonly #rate: EndRate;
  /** The longest first. */
  #slowest: SweepStatus['slowest'] = [];
  /** The newest first. */
  #failures: readonly FailedPoint[] = [];

  constructor(now: number) {
    this.#rate = new EndRate(now);
  }

  /** An attempt at a point is begun: it is being staged. */
  started(now: number, index: number, attempt: number): void {
    this.#running.set(index, { attempt, start: now, phase: 'staging' });
  }

  /** How far a running point has come. */
  reached(index: number, phase: RunningPoint['phase'], { fraction, text }: GuestProgress = {}): void {
    const running = this.#running.get(index);
    if (!running) return;
    running.phase = phase;
    if (fraction !== undefined && fraction >= 0 && fraction <= 1) running.fraction = fraction;
    if (text !== undefined) running.text = text;
  }

  /** An attempt has ended and the point is to be run again, or was cancelled: it does not count as an end. */
  putBack(index: number): void {
    this.#running.delete(index);
  }

  /** A point has ended for good. */
  ended(now: number, index: number, outcome: Pick<PointOutcome, 'state' | 'cause' | 'message'>): void {
    const running = this.#running.get(index);
    if (!running) return;
    this.#running.delete(index);
    const seconds = now - running.start;
    this.#rate.note(now);
    this.#durations.note(seconds);
    this.#noteSlow(index, seconds);
    // It may have failed before and been asked for again.
    this.#failures = this.#failures.filter((one) => one.index !== index);
    if (outcome.state === 'done') return;
    const { state, cause, message } = outcome;
    const failed = {
      ...{ index, state, attempts: running.attempt },
      ...(cause === undefined ? {} : { cause }),
      ...(message === undefined ? {} : { message }),
    };
    this.#failures = [failed, ...this.#failures.slice(0, mostFailures - 1)];
  }

  /**
   * @param at the time of day that `now` is
   * @param left points that have not ended, the running ones with them
   * @param parallel instances at once
   */
  parts(now: number, at: Date, left: number, parallel: number): ProgressParts {
    const elapsed = [...this.#running.values()].map(({ start }) => now - start);
    return {
      perMinute: rounded(this.#rate.perMinute(now)) ?? null,
      remaining: this.#durations.remaining(left, parallel, elapsed) ?? null,
      running: [...this.#running].map(([index, { attempt, start, phase, fraction, text }]) => ({
        ...{ index, attempt, phase },
        since: new Date(at.getTime() - Math.round((now - start) * 1000)).toISOString(),
        ...(fraction === undefined ? {} : { fraction }),
        ...(text === undefined ? {} : { text }),
      })),
      slowest: this.#slowest,
      failures: this.#failures,
    };
  }

  #noteSlow(index: number, seconds: number): void {
    const others = this.#slowest.filter((one) => one.index !== index);
    const place = others.filter((one) => one.seconds >= seconds).length;
    this.#slowest = others.toSpliced(place, 0, { index, seconds }).slice(0, mostSlowest);
  }
}

/** Three digits are enough of a rate. */
const rounded = (value: number | undefined) => value && Number(value.toPrecision(3));
