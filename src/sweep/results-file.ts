import { writeFile } from 'node:fs/promises';
import { publishFile } from '../system/files.js';
import type { PointTable } from './point-table.js';
import type { PointSource } from './plan/points.js';
import { headerRow, pointRow } from './results-csv.js';

/** Seconds between two writings of the table, at least, while the sweep runs. */
const shortestPause = 3;
/** A long table is written so seldom that it takes at most about this part of the time. */
const share = 1 / 20;

/**
 * `results.csv` of a running sweep. Everyone may read it at any time: it is always whole. Disposing it ends
 * the refreshing.
 */
export class ResultsFile implements AsyncDisposable {
  readonly path: string;
  readonly #points: PointSource;
  readonly #table: PointTable;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #pause = shortestPause;

  constructor(path: string, points: PointSource, table: PointTable) {
    this.path = path;
    this.#points = points;
    this.#table = table;
  }

  /** Says that the table has changed; it is written soon. */
  changed(): void {
    this.#timer ??= setTimeout(() => void this.#refresh(), this.#pause * 1000);
  }

  /** Writes the table as it is now. */
  async write(): Promise<void> {
    this.#stop();
    await this.#writing;
    await publishFile(this.path, (temporary) => writeFile(temporary, this.#chunks(), { flag: 'wx' }));
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

  *#chunks(): Generator<Buffer> {
    let text = headerRow(this.#points.names);
    for (const { index, parameters } of this.#points.points()) {
      text += pointRow(index, parameters, this.#table.cellsOf(index));
      if (text.length < 1 << 16) continue;
      yield Buffer.from(text);
      text = '';
    }
    yield Buffer.from(text);
  }
}
