import type { PointOutcome } from '../../model/sweep.js';
import { ExitCode, type GvaError } from '../../system/errors.js';
import { endedByFullDisk } from './disk-room.js';

/** What may be tried again. */
export interface RetryLimits {
  /** Times that a point may be lost, in one run of the sweep, before it is set aside: at least 1. */
  readonly attempts: number;
  /** Times that a point is run again because its application failed. */
  readonly retryFailed: number;
  /** Count a point that ran into its time limit as any lost one: it is final otherwise. */
  readonly retryTimeouts: boolean;
}

export const defaultRetryLimits: RetryLimits = { attempts: 3, retryFailed: 0, retryTimeouts: false };

/** Ends of a point so far, in this run of the sweep, that were not `done`. */
export interface Tally {
  readonly lost: number;
  readonly failed: number;
  /** Lost by a full disk, which is not counted among the lost. */
  readonly full?: number;
}

export const noTally: Tally = { lost: 0, failed: 0 };

export type Decision =
  /** Run it again after `delay` seconds. */
  | { readonly next: 'again'; readonly delay: number; readonly tally: Tally }
  | { readonly next: 'final' }
  /** Poisonous: it is left alone until somebody asks for it. `reason` is a sentence without its full stop. */
  | { readonly next: 'set-aside'; readonly reason: string };

/** Times that a point may find the disk full before it counts as any lost one: it may need more than there is. */
const fullPatience = 10;
/** Seconds of the first delay, at most; it doubles each time up to `longest`. */
const base = 1;
const longest = 300;

/**
 * What to do with a point after an attempt. Lost ones are run again, because something around the application
 * failed, with exceptions: one whose input is wrong (`error` is of wrong usage) cannot fare better, and one that ran
 * into its time limit will hardly. A full disk is nobody's fault. Applications that failed (a script's status, a full output disk) fail again unless
 * somebody knows better. The delay is exponential with full jitter: evenly spread from 0 to 1, 2, 4 ... 300 s (Brooker,
 * "Exponential backoff and jitter", AWS Architecture Blog, 2015), so that what failed together is not tried together.
 */
export class RetryPolicy {
  readonly #limits: RetryLimits;
  readonly #random: () => number;

  /** @param random from 0, below 1 */
  constructor(limits: RetryLimits = defaultRetryLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  /**
   * @param before of the attempts before this one
   * @param error why the instance could not be run at all
   */
  after(
    outcome: Pick<PointOutcome, 'state' | 'cause'>,
    before: Tally = noTally,
    error?: Pick<GvaError, 'exitCode'>,
  ): Decision {
    const { state, cause } = outcome;
    if (error?.exitCode === ExitCode.usage) return { next: 'final' };
    if (state === 'failed') return this.#afterFailure(before);
    const { full = 0 } = before;
    if (endedByFullDisk(outcome) && full < fullPatience) return this.#again(1, { ...before, full: full + 1 });
    if (state !== 'lost') return { next: 'final' };
    if (cause === 'timeout' && !this.#limits.retryTimeouts) return { next: 'final' };
    const lost = before.lost + 1;
    if (lost < this.#limits.attempts) return this.#again(lost, { ...before, lost });
    const times = lost === 1 ? 'once' : `${lost} times`;
    return {
      next: 'set-aside',
      reason: `it was lost ${times}, the last time by ${cause ?? 'no known cause'}`,
    };
  }

  #afterFailure(before: Tally): Decision {
    const failed = before.failed + 1;
    if (failed > this.#limits.retryFailed) return { next: 'final' };
    return this.#again(failed, { ...before, failed });
  }

  #again(times: number, tally: Tally): Decision {
    const most = Math.min(longest, base * 2 ** (times - 1));
    return { next: 'again', delay: this.#random() * most, tally };
  }
}
