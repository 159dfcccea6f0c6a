import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Whoever reads what a command prints: waited for when slow, and maybe gone (`... | head`). */
export class Reader {
  readonly #stream: Writable;
  #gone = false;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** Nobody reads any more. */
  get gone(): boolean {
    // Of a stream with an error, Node tells no later one: waiting for it would never end.
    return (this.#gone ||= this.#stream.errored !== null);
  }

  /** @returns false when nobody reads any more */
  async write(text: string): Promise<boolean> {
    if (text === '' || this.gone) return !this.gone;
    // A reader that goes away is told as an error, which main.ts lets pass.
    if (!this.#stream.write(text)) await once(this.#stream, 'drain').catch(() => (this.#gone = true));
    return !this.gone;
  }
}
