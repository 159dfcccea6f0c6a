import type { Readable } from 'node:stream';
import { maxEventLine } from '../model/guest-event.js';

/**
 * Lines of a stream that a guest writes. A line that is longer than any event is cut into pieces, so that a
 * guest that never ends a line costs no memory.
 */
export async function* guestLines(stream: Readable): AsyncGenerator<string> {
  let rest = '';
  try {
    for await (const chunk of stream) {
      const lines = (rest + (chunk as Buffer).toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield decoded(line);
      if (rest.length > maxEventLine) {
        yield decoded(rest);
        rest = '';
      }
    }
  } catch (error) {
    // The other end of a socket pair may go with a reset when the VMM is killed: that is an end like another.
    if (!isReset(error)) throw error;
  }
  if (rest !== '') yield decoded(rest);
}

const decoded = (line: string) => Buffer.from(line, 'latin1').toString('utf8').replace(/\r$/, '');

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}
