import type { Writable } from 'node:stream';
import type { Point, SweepEvent, SweepSummary } from '../../model/sweep.js';
import type { SweepStatus } from '../../model/sweep-status.js';
import type { GvaError } from '../../system/errors.js';
import { Reader } from './reader.js';

/** In the first line. docs/sweeps.md has the fields of each event. */
export const eventsFormat = 'gva-sweep-events/1';

/** Seconds between two lines that say how the sweep stands, at least. */
const statusPause = 5;
/** Characters that wait for a slow reader; what comes then is left out, and counted. */
const mostWaiting = 16 << 20;

/**
 * What happens in a sweep, as JSON Lines for programs. The sweep waits for no reader: of one that is slow, lines wait here
 * up to a limit, and one that has gone is written to no more.
 */
export class EventLines {
  readonly #reader: Reader;
  readonly #now: () => number;
  readonly #most: number;
  #begun = false;
  #nextStatus = -Infinity;
  #waiting = '';
  #leftOut = 0;
  #writing: Promise<void> | undefined;

  /**
   * @param now seconds
   * @param most characters that wait at most
   */
  constructor(stream: Writable, now = () => performance.now() / 1000, most = mostWaiting) {
    this.#reader = new Reader(stream);
    this.#now = now;
    this.#most = most;
  }

  event(event: SweepEvent): void {
    if (event.event === 'point-started') this.#put(event.event, pointFields(event.point));
    else if (event.event === 'point-ended')
      this.#put(event.event, { ...pointFields(event.point), ...event.outcome });
    else if (event.event === 'point-again') {
      const { point, outcome, delay } = event;
      this.#put(event.event, { ...pointFields(point), ...outcome, delay });
    } else {
      const { event: name, ...fields } = event;
      this.#put(name, fields);
    }
  }

  /** How the sweep stands; told now and then. */
  progress(status: SweepStatus): void {
    const now = this.#now();
    if (now < this.#nextStatus) return;
    this.#nextStatus = now + statusPause;
    const { state, reason, grid, counts, parallel, perMinute, remaining, running, slowest } = status;
    const why = { ...(reason === undefined ? {} : { reason }), ...(grid && { grid }) };
    this.#put('status', { state, ...why, counts, parallel, perMinute, remaining, running, slowest });
  }

  /** The last line. Waits until all is written, or nobody reads any more. */
  async end(summary: SweepSummary): Promise<void> {
    await this.#last('summary', summary);
  }

  /** The last line instead, where the sweep could not be run, or not to its end. */
  async fail({ code, message, hint }: GvaError): Promise<void> {
    await this.#last('error', { code, message, hint });
  }

  async #last(event: string, fields: object): Promise<void> {
    await this.#writing;
    this.#put(event, fields);
    await this.#writing;
  }

  #put(event: string, fields: object): void {
    if (this.#reader.gone) return;
    const line = this.#lineOf(event, fields);
    // What is left out is one gap, told where it ends.
    if (this.#leftOut > 0 || this.#waiting.length + line.length > this.#most) this.#leftOut++;
    else this.#waiting += line;
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  #lineOf(event: string, fields: object): string {
    const format = this.#begun ? {} : { format: eventsFormat };
    this.#begun = true;
    return `${JSON.stringify({ event, ...format, at: new Date().toISOString(), ...fields })}\n`;
  }

  async #write(): Promise<void> {
    while (this.#waiting !== '') {
      const text = this.#waiting;
      this.#waiting = '';
      await this.#reader.write(text);
      if (this.#leftOut === 0) continue;
      this.#waiting += this.#lineOf('left-out', { events: this.#leftOut });
      this.#leftOut = 0;
    }
  }
}

const pointFields = ({ index, parameters }: Point) => ({ index, parameters });
