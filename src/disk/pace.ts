import { setImmediate } from 'node:timers/promises';

/** Thrown by work within limits, to leave all its loops. Never leaves the module that set the limit. */
export class LimitReached extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Milliseconds of blocking work after which the event loop gets its turn. */
const SLICE = 20;

/** Watches time and signal between blocking steps. */
export class Pace {
  readonly #deadline: number;
  readonly #timeMs: number;
  readonly #signal: AbortSignal | undefined;
  #sliceEnd: number;

  constructor(timeMs: number, signal: AbortSignal | undefined) {
    const now = performance.now();
    this.#deadline = now + timeMs;
    this.#timeMs = timeMs;
    this.#signal = signal;
    this.#sliceEnd = now + SLICE;
  }

  /** To be called between any two steps of 0.1 ms or more. Throws LimitReached, or the signal's reason. */
  async step(): Promise<void> {
    if (performance.now() > this.#deadline) {
      throw new LimitReached('LIMIT_TIME', `the time of ${this.#timeMs} ms is over`);
    }
    await this.turn();
  }

  /** The same for what has to be finished although the time is over. */
  async turn(): Promise<void> {
    if (performance.now() > this.#sliceEnd) {
      await setImmediate();
      this.#sliceEnd = performance.now() + SLICE;
    }
    this.#signal?.throwIfAborted();
  }
}
