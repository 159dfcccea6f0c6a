import type { FailedPoint } from '../../model/sweep-status.js';
import type { SeenStatus } from '../../sweep/observe/status.js';
import { printable } from '../../vmm/console-ring.js';
import type { TextStream } from '../status-line.js';
import { LiveBlock } from './live-block.js';
import { failureText, progressLine, statusLines } from './status-text.js';

/** Seconds between two lines that say no more than how far it has come. */
const linePause = 5;

/** A view that is drawn again and again. */
export class LiveWatcher {
  readonly #block: LiveBlock;
  readonly #folder: string;

  constructor(stream: TextStream, folder: string) {
    this.#block = new LiveBlock(stream);
    this.#folder = folder;
  }

  see(seen: SeenStatus): void {
    this.#block.show(statusLines(seen, this.#folder));
  }
}

/** Lines for a file or a pipe: now and then how it stands, failures, and the end. */
export class LineWatcher {
  readonly #stream: TextStream;
  readonly #now: () => number;
  #next = -Infinity;
  #state = '';

  /** @param now seconds */
  constructor(stream: TextStream, now = () => performance.now() / 1000) {
    this.#stream = stream;
    this.#now = now;
  }

  see({ status, ended }: SeenStatus, news: readonly FailedPoint[]): void {
    for (const failure of news) this.#print(failureText(failure));
    const now = this.#now();
    if (status.state === this.#state && !ended && now < this.#next) return;
    this.#next = now + linePause;
    this.#state = status.state;
    const { reason } = status;
    this.#print(
      `${ended ? `${status.state}: ` : ''}${progressLine(status)}${reason === undefined ? '' : `: ${reason}`}`,
    );
  }

  #print(line: string): void {
    this.#stream.write(`${printable(line).replace(/\s+/g, ' ')}\n`);
  }
}

/** JSON Lines for programs. */
export class EventWatcher {
  readonly #stream: TextStream;

  constructor(stream: TextStream) {
    this.#stream = stream;
  }

  see({ status, ended, owner }: SeenStatus, news: readonly FailedPoint[]): void {
    for (const failure of news) this.#print({ event: 'point', ...failure });
    this.#print({ event: ended ? 'end' : 'status', owner, ...status });
  }

  #print(event: object): void {
    this.#stream.write(`${JSON.stringify(event)}\n`);
  }
}
