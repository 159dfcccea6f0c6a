import type { Readable } from 'node:stream';
import { maxEventLine } from '../model/guest-event.js';

/**
 * Lines of a stream that a guest writes. A line that is longer than any event is cut into pieces, so that a
 * guest that never ends a line costs no memory. One reader only.
 */
export class GuestLines implements AsyncIterable<string> {
  readonly #stream: Readable;
  #rest = '';

  constructor(stream: Readable) {
    this.#stream = stream;
  }

  /** What has come of a line whose end has not. */
  get unfinished(): string {
    return decoded(this.#rest);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    try {
      for await (const chunk of this.#stream) {
        const lines = (this.#rest + (chunk as Buffer).toString('latin1')).split('\n');
        this.#rest = lines.pop() ?? '';
        for (const line of lines) yield decoded(line);
        if (this.#rest.length <= maxEventLine) continue;
        yield decoded(this.#rest);
        this.#rest = '';
      }
    } catch (error) {
      // The other end of a socket pair may go with a reset when the VMM is killed: that is an end like another.
      if (!isReset(error)) throw error;
    }
    if (this.#rest !== '') yield decoded(this.#rest);
  }
}

const decoded = (line: string) => Buffer.from(line, 'latin1').toString('utf8').replace(/\r$/, '');

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}
