import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Whoever reads what a command prints: waited for when slow, and maybe gone (`... | head`). */
export class Reader {
  readonly #stream: Writable;
  #gone = false;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** @returns false when nobody reads any more */
  async write(text: string): Promise<boolean> {
    if (text === '' || this.#gone) return !this.#gone;
    // A reader that goes away is told as an error, which main.ts lets pass.
    if (!this.#stream.write(text)) await once(this.#stream, 'drain').catch(() => (this.#gone = true));
    return !this.#gone;
  }
}
