import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../system/errors.js';
import { resultFiles, soFarFolder } from '../system/paths.js';
import type { Snapshots } from './snapshot.js';

/** What is not known of an instance before it runs. */
interface Parts {
  readonly snapshots: Snapshots;
  /** Told, once, why nothing could be brought home. */
  readonly onTrouble: (text: string) => void;
}

/**
 * Brings the output of a running instance home again and again, into a folder beside that of its results. What cannot be
 * brought at one time is brought the next time.
 */
export class SoFar {
  readonly #every: number;
  readonly #out: string;
  readonly #parts: Parts;
  #timer: NodeJS.Timeout | undefined;
  #under: Promise<void> = Promise.resolve();
  #told = false;
  #ended = false;

  /**
   * @param every seconds from the start, or the end of one time, to the next
   * @param out folder of the results
   */
  constructor(every: number, out: string, parts: Parts) {
    [this.#every, this.#out, this.#parts] = [every, soFarFolder(out), parts];
    this.#wait();
  }

  /** No more is brought; resolves when what is under way has ended. */
  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#under;
  }

  /** The results are there: nobody needs what was before. What is no such folder stays. */
  async remove(): Promise<void> {
    if (await stat(join(this.#out, resultFiles.snapshot)).catch(() => undefined))
      await rm(this.#out, { recursive: true, force: true });
  }

  #wait(): void {
    // setTimeout takes at most 2^31-1 ms.
    const bring = () => {
      this.#under = this.#bring();
    };
    this.#timer = setTimeout(bring, Math.min(this.#every * 1000, 2 ** 31 - 1));
  }

  async #bring(): Promise<void> {
    try {
      await this.#parts.snapshots.take(this.#out, true);
    } catch (error) {
      // The guest may end at any time, and its end is told otherwise.
      if (!this.#told && !this.#ended)
        this.#parts.onTrouble(`results so far could not be brought home: ${messageOf(error)}`);
      this.#told = true;
    }
    if (!this.#ended) this.#wait();
  }
}
