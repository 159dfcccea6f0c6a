/** Seconds that are looked back. */
const span = 60;
/** Ends that are looked back where fewer came in that time. */
const few = 30;

/**
 * Points that end in a minute, lately: over the last sixty seconds, or over the last thirty ends where these took
 * longer. Constant memory.
 */
export class EndRate {
  readonly #start: number;
  /** Ends in each second, by the second modulo `span`. */
  readonly #buckets = new Float64Array(span);
  #second: number;
  /** When the last ends came, by their number modulo `few`. */
  readonly #times = new Float64Array(few);
  #count = 0;

  /** @param start seconds of the clock */
  constructor(start: number) {
    this.#start = start;
    this.#second = Math.floor(start);
  }

  /** @param now seconds, not before the last */
  note(now: number): void {
    this.#turnTo(now);
    const bucket = this.#second % span;
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#times[this.#count++ % few] = now;
  }

  /** Undefined before the first end. */
  perMinute(now: number): number | undefined {
    if (this.#count === 0) return undefined;
    this.#turnTo(now);
    const inSpan = this.#buckets.reduce((sum, ends) => sum + ends, 0);
    // The oldest bucket is of a whole second, the newest of the part of one that has passed.
    const seconds = Math.min(now - this.#start, span - 1 + (now - Math.floor(now)));
    if (inSpan >= few) return rate(inSpan, seconds);
    // The first of the last thirty ends opens the interval; with fewer, the start does.
    if (this.#count < few) return rate(this.#count, now - this.#start);
    return rate(few - 1, now - (this.#times[this.#count % few] ?? now));
  }

  #turnTo(now: number): void {
    const second = Math.floor(now);
    for (let turns = Math.min(span, second - this.#second); turns > 0; turns--)
      this.#buckets[(second - turns + 1) % span] = 0;
    this.#second = Math.max(second, this.#second);
  }
}

/** Not more than if a tenth of a second had passed: the first point would count as thousands a minute. */
const rate = (ends: number, seconds: number) => (60 * ends) / Math.max(seconds, 0.1);
