import { setTimeout as sleep } from 'node:timers/promises';

export interface Interval {
  /** Seconds between two looks where something happens, and where nothing does. */
  readonly shortest: number;
  readonly longest: number;
}

export const usualInterval: Interval = { shortest: 2, longest: 30 };

/** Seconds between two looks at a grid that does not answer, at most. */
const longestSilence = 300;
const growth = 1.3;

/** How long to wait before the next look at a grid: longer and longer while nothing happens, or it does not answer. */
export class Pace {
  readonly #interval: Interval;
  #seconds: number;
  #silences = 0;
  #wake = new AbortController();

  constructor(interval: Interval = usualInterval) {
    this.#interval = interval;
    this.#seconds = interval.shortest;
  }

  /** Something has happened: look again soon. */
  hurry(): void {
    this.#seconds = this.#interval.shortest;
    this.#wake.abort();
  }

  answered(): void {
    this.#silences = 0;
  }

  silent(): void {
    this.#silences++;
  }

  /** Until the next look; ends early when the signal comes, or somebody asks for something. */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
    const silence = this.#interval.shortest * 2 ** this.#silences;
    const seconds =
      this.#silences > 0 ? Math.min(Math.max(silence, this.#seconds), longestSilence) : this.#seconds;
    this.#seconds = Math.min(this.#interval.longest, this.#seconds * growth);
    const either = AbortSignal.any([signal, this.#wake.signal]);
    await sleep(seconds * 1000, undefined, { signal: either }).catch(() => undefined);
  }
}
