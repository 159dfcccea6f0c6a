import { Random, stream } from '../../src/sweep/plan/random.js';

/** Random draws, the same for the same seed. */
export class Draws {
  readonly #random: Random;
  #index = 0;
  #kept: number | undefined;

  constructor(seed: number) {
    this.#random = new Random(seed, stream.sample, 'simulation');
  }

  /** From 0, below 1. */
  uniform(): number {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept !== undefined) return kept;
    const [first, second] = this.#random.pair(this.#index++, 0);
    this.#kept = second;
    return first;
  }

  exponential(mean: number): number {
    return mean === 0 ? 0 : -mean * Math.log(1 - this.uniform());
  }

  /** The sum of so many exponential draws; of many, by the central limit theorem. */
  sumOfExponentials(count: number, mean: number): number {
    if (count > 6) return Math.max(0, mean * (count + Math.sqrt(count) * this.#normal()));
    let sum = 0;
    for (let n = 0; n < count; n++) sum += this.exponential(mean);
    return sum;
  }

  /** How many of so many happen, each with the same chance. */
  binomial(count: number, chance: number): number {
    if (chance === 0) return 0;
    const variance = count * chance * (1 - chance);
    if (variance > 30) {
      const drawn = Math.round(count * chance + Math.sqrt(variance) * this.#normal());
      return Math.min(count, Math.max(0, drawn));
    }
    // From hit to hit: the gaps are geometrically distributed.
    const gap = () => Math.floor(Math.log(1 - this.uniform()) / Math.log(1 - chance));
    let hits = 0;
    for (let n = gap(); n < count; n += 1 + gap()) hits++;
    return hits;
  }

  /** Box and Muller. */
  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}
