import { setTimeout as sleep } from 'node:timers/promises';

export interface Interval {
  /** Seconds between two looks where something happens, and where nothing does. */
  readonly shortest: number;
  readonly longest: number;
}

export const usualInterval: Interval = { shortest: 2, longest: 30 };

/** Seconds between two questions to a grid that does not answer, at most. */
const longestSilence = 300;
/** Shortest intervals between two questions to a grid: much is known from what workers write down. */
const askEvery = 5;
const growth = 1.3;

/** How long to wait before the next look: longer and longer while nothing happens. The grid is asked less often. */
export class Pace {
  readonly #interval: Interval;
  #seconds: number;
  #silences = 0;
  #nextAsk = -Infinity;
  #wake = new AbortController();

  constructor(interval: Interval = usualInterval) {
    this.#interval = interval;
    this.#seconds = interval.shortest;
  }

  /** Something has happened: more may happen soon. */
  hurry(): void {
    this.#seconds = this.#interval.shortest;
  }

  /** Somebody has asked for something: look at once, and ask the grid. */
  urge(): void {
    this.hurry();
    this.#nextAsk = -Infinity;
    this.#wake.abort();
  }

  /** Whether the grid may be asked, at that second. */
  mayAsk(now: number): boolean {
    return now >= this.#nextAsk;
  }

  answered(now: number): void {
    this.#silences = 0;
    this.#nextAsk = now + askEvery * this.#interval.shortest;
  }

  silent(now: number): void {
    const wait = askEvery * this.#interval.shortest * 2 ** this.#silences++;
    this.#nextAsk = now + Math.min(wait, longestSilence);
  }

  /** Until the next look; ends early when the signal comes, or somebody asks for something. */
  async wait(signal: AbortSignal): Promise<void> {
    const seconds = this.#seconds;
    this.#seconds = Math.min(this.#interval.longest, this.#seconds * growth);
    const either = AbortSignal.any([signal, this.#wake.signal]);
    await sleep(seconds * 1000, undefined, { signal: either }).catch(() => undefined);
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
  }
}
