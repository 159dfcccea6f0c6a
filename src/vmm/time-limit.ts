import type { VirtualMachine } from './driver.js';

/** Kills a machine when its time is over, or when the signal says so. Disposing it ends the watch. */
export class TimeLimit implements Disposable {
  readonly #machine: Pick<VirtualMachine, 'kill'>;
  readonly #signal: AbortSignal | undefined;
  readonly #kill = () => this.#machine.kill();
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(machine: Pick<VirtualMachine, 'kill'>, ms: number, signal?: AbortSignal) {
    this.#machine = machine;
    this.#signal = signal;
    this.restart(ms);
    if (signal?.aborted) machine.kill();
    signal?.addEventListener('abort', this.#kill);
  }

  /** Whether the time was over; not true where the signal ended it. */
  get over(): boolean {
    return this.#over;
  }

  /** Gives it this time from now on, in milliseconds. */
  restart(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#over = true;
      this.#machine.kill();
    }, ms);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#kill);
  }
}
