import type { Gathered, SweepEvent } from '../model/sweep.js';
import type { EndSignals } from './conductor.js';
import { type GatherStep, gather, gatherTitle, gatheredBefore } from './gather.js';

/** A gather step, and whether it may be run: a command comes with a plan, which may be anybody's. */
export interface GatherSpec {
  readonly step: GatherStep;
  readonly allowed: boolean;
}

/** The gather step within a run of a sweep. */
export class Gathering {
  /** How it ended, now or in an earlier run. */
  gathered: Gathered | undefined;
  /** Why there is nothing gathered of these results; a sentence without its full stop. */
  reason: string | undefined;
  /** Somebody has ended it, or has kept it from being begun. */
  cut = false;
  readonly #folder: string;
  readonly #spec: GatherSpec | undefined;
  readonly #onEvent: (event: SweepEvent) => void;
  #running: AbortController | undefined;

  /** @param folder of the sweep, absolute */
  constructor(folder: string, spec: GatherSpec | undefined, onEvent: (event: SweepEvent) => void) {
    this.#folder = folder;
    this.#spec = spec;
    this.#onEvent = onEvent;
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  /** Ends the step that runs: it is no longer wanted. */
  stop(): void {
    this.#running?.abort(new Error('the gather step is not wanted any more'));
  }

  /**
   * Runs the step, if there is one that was not run for these very results.
   *
   * @param hindrance why it is not to be run
   */
  async run(hindrance: string | undefined, signals: EndSignals): Promise<void> {
    this.gathered = this.reason = undefined;
    this.cut = false;
    if (!this.#spec) return;
    const { step, allowed } = this.#spec;
    this.reason = hindrance;
    if (this.reason !== undefined) return;
    this.gathered = await gatheredBefore(this.#folder, step);
    if (this.gathered) return;
    if (!allowed) this.reason = `a command of a plan is run with --gather only: ${gatherTitle(step)}`;
    else if (signals.finish.aborted) this.#cut('interrupted');
    else await this.#gather(step, signals.abort);
  }

  async #gather(step: GatherStep, abort: AbortSignal): Promise<void> {
    this.#running = new AbortController();
    const signal = AbortSignal.any([abort, this.#running.signal]);
    try {
      this.#onEvent({ event: 'gathering', by: gatherTitle(step) });
      this.gathered = await gather(this.#folder, step, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      this.#cut('the gather step was ended before its end');
    } finally {
      this.#running = undefined;
    }
  }

  #cut(reason: string): void {
    this.reason = reason;
    this.cut = true;
  }
}
