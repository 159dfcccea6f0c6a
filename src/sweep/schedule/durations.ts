/** Durations that count fully; each later one takes the place of a part of the older ones. */
const memory = 1000;
/** The normal distribution's quantile for 95 %, two-sided. */
const z = 1.96;

export interface Estimate {
  readonly seconds: number;
  readonly low: number;
  readonly high: number;
}

/** Mean and spread of how long points took, with more weight on the latest, in constant memory. */
export class Durations {
  #count = 0;
  #mean = 0;
  #variance = 0;

  note(seconds: number): void {
    this.#count = Math.min(this.#count + 1, memory);
    const weight = 1 / this.#count;
    const difference = seconds - this.#mean;
    this.#mean += weight * difference;
    // West, "Updating mean and variance estimates", CACM 22 (1979), here of the population.
    this.#variance = (1 - weight) * (this.#variance + weight * difference ** 2);
  }

  /**
   * How long the points that are left will take. With R of them, P at once, and the mean m and standard deviation s of
   * the n that ended, their work is W = R m - (what the running ones have behind them, at most m each), and
   *
   *     seconds = W / p          p = min(P, R)
   *     low, high = seconds -+ t s sqrt(R + R^2 / n) / p
   *
   * R s^2 is the variance of the sum of R durations, R^2 s^2 / n that of R times the mean, of which only an estimate
   * is known; t is Student's quantile for 95 %. Undefined before two have ended.
   *
   * @param running seconds that each of those that run has been running; they are among the R
   */
  remaining(left: number, parallel: number, running: Iterable<number> = []): Estimate | undefined {
    if (left === 0) return { seconds: 0, low: 0, high: 0 };
    const n = this.#count;
    if (n < 2) return undefined;
    let work = left * this.#mean;
    for (const seconds of running) work -= Math.min(seconds, this.#mean);
    const p = Math.max(1, Math.min(parallel, left));
    const seconds = Math.max(0, work) / p;
    const sample = (this.#variance * n) / (n - 1);
    const error = (quantile(n - 1) * Math.sqrt(sample * (left + left ** 2 / n))) / p;
    return { seconds, low: Math.max(0, seconds - error), high: seconds + error };
  }
}

/** Student's t for 95 %: Abramowitz and Stegun, 26.7.5, two terms. Too small, by half, for a single degree. */
function quantile(degrees: number): number {
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  return z + first / degrees + second / degrees ** 2;
}
