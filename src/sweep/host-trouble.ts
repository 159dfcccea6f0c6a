import type { PointOutcome } from '../model/sweep.js';
import { ExitCode, GvaError } from '../system/errors.js';

/** Points in a row that could not be run at all, before the sweep stops. */
const patience = 3;

/** Notices when instances cannot be run on this host at all, whatever their parameters. */
export class HostTrouble {
  readonly #controller = new AbortController();
  #inARow = 0;
  error: GvaError | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  note(outcome: PointOutcome, error: GvaError | undefined): void {
    if (outcome.state === 'cancelled') return;
    // Something in the way of one point is in the way of no other.
    const ofThisPoint = error?.code === 'OUT_EXISTS' || outcome.state === 'failed';
    this.#inARow = error !== undefined && !ofThisPoint ? this.#inARow + 1 : 0;
    if (error === undefined || this.#inARow < patience || this.error) return;
    const message = `${this.#inARow} points in a row could not be run: ${error.message}`;
    const hint = `${error.hint ?? ''}\nWhat is done is kept: the same command goes on from there.`;
    const exitCode = ExitCode.infrastructure;
    this.error = new GvaError('SWEEP_STOPPED', message, { exitCode, cause: error, hint: hint.trim() });
    this.#controller.abort(this.error);
  }
}
