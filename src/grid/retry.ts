import { type FailureKind, rules } from './classify.js';

/** What has become of a point so far in this run of the sweep. */
export interface GridTally {
  /** Attempts that count against it; thirds are possible. */
  readonly blame: number;
  /** Times that it was submitted again for whatever reason. */
  readonly again: number;
  /** Times that its application failed. */
  readonly failed: number;
  /** Factors of what its job gets; 1 at first. */
  readonly growth: { readonly memory: number; readonly time: number };
}

export const noGridTally: GridTally = { blame: 0, again: 0, failed: 0, growth: { memory: 1, time: 1 } };

export interface GridRetryLimits {
  /** Attempts that may count against a point before it is set aside. */
  readonly attempts: number;
  readonly retryFailed: number;
  /** Points that came to a time limit are tried again also where their time may not grow. */
  readonly retryTimeouts: boolean;
  /** Factors by which memory and time of a job grow after it had too little; 1: they may not. */
  readonly growth: { readonly memory: number; readonly time: number };
  /** Seconds of the first delay; it doubles each time. */
  readonly delay: number;
}

export type GridDecision =
  | { readonly next: 'again'; readonly delay: number; readonly tally: GridTally }
  | { readonly next: 'final'; readonly reason: string }
  | { readonly next: 'cancelled' };

/** How a job ended without a point's result. */
export interface Loss {
  readonly kind: FailureKind;
  /** The point was being run. */
  readonly begun: boolean;
  /** It had the job for itself. */
  readonly alone: boolean;
}

/** A point that comes back so often without being blamed is set aside all the same. */
const mostAgain = 50;
/** Seconds. */
const longestDelay = 300;
/** Growth stops here: no node has more than so many times of what was asked for. */
const mostGrowth = 16;

/** What to do with a point that a job ended without. */
export function afterLoss(
  { kind, begun, alone }: Loss,
  before: GridTally,
  limits: GridRetryLimits,
): GridDecision {
  const { blame, grows, then } = rules[kind];
  if (then === 'cancel') return { next: 'cancelled' };
  // It has come further, however often: that is not to be mixed up with what fails again and again.
  if (kind === 'saved') return { next: 'again', delay: delayOf(1, limits), tally: before };
  const factor = begun && grows ? limits.growth[grows] : 1;
  const tally: GridTally = {
    ...before,
    blame: before.blame + (begun ? blame : 0),
    again: before.again + 1,
    growth: grows ? { ...before.growth, [grows]: grown(before.growth[grows], factor) } : before.growth,
  };
  // One that others have taken the time from may do without them.
  if (begun && alone && kind === 'time-limit' && factor === 1 && !limits.retryTimeouts)
    return { next: 'final', reason: 'a second attempt would hardly be quicker: give it more --time' };
  // Thirds do not add up to exactly 1.
  if (tally.blame > limits.attempts - 0.01 || tally.again >= mostAgain)
    return { next: 'final', reason: setAside(tally.again) };
  return { next: 'again', delay: delayOf(tally.again, limits), tally };
}

const setAside = (times: number) => `set aside after ${times} ${times === 1 ? 'attempt' : 'attempts'}`;

const grown = (before: number, factor: number) => Math.min(mostGrowth, before * factor);

/** What to do with a point whose application failed. */
export function afterFailure(before: GridTally, limits: GridRetryLimits): GridDecision {
  const failed = before.failed + 1;
  if (failed > limits.retryFailed) return { next: 'final', reason: '' };
  return { next: 'again', delay: delayOf(failed, limits), tally: { ...before, failed } };
}

const delayOf = (times: number, { delay }: GridRetryLimits) =>
  Math.min(longestDelay, delay * 2 ** (times - 1));
