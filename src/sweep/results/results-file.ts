import { dirname, join } from 'node:path';
import { sweepFiles } from '../../system/paths.js';
import type { ResultsSource } from './table.js';
import { writeTexts } from './write.js';

/** Seconds between two writings of the table, at least, while the sweep runs. */
const shortestPause = 3;
/** A long table is written so seldom that it takes at most about this part of the time. */
const share = 1 / 20;

/**
 * `results.csv` of a running sweep, and the same as `results.jsonl`. Everyone may read them at any time: they are always
 * whole. Disposing it ends the refreshing.
 */
export class ResultsFile implements AsyncDisposable {
  readonly path: string;
  readonly #source: ResultsSource;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #pause = shortestPause;

  constructor(path: string, source: ResultsSource) {
    this.path = path;
    this.#source = source;
  }

  /** Says that the table has changed; it is written soon. */
  changed(): void {
    this.#timer ??= setTimeout(() => void this.#refresh(), this.#pause * 1000);
  }

  /** Writes the table as it is now. @throws GvaError OUT_UNUSABLE */
  async write(): Promise<void> {
    this.#stop();
    await this.#writing;
    await writeTexts(this.#source, { csv: this.path, jsonl: join(dirname(this.path), sweepFiles.lines) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await this.#writing;
  }

  async #refresh(): Promise<void> {
    const start = performance.now();
    // If the disk is full for the moment, the last writing will say so if it still is.
    this.#writing = this.write().catch(() => undefined);
    await this.#writing;
    this.#pause = Math.max(shortestPause, (performance.now() - start) / 1000 / share);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
