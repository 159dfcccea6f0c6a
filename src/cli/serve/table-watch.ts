import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ReportTable, stateOf } from '../../report/build.js';
import { cellNumber, cellText, columnNamed } from '../../report/columns.js';
import type { LiveTable } from '../../report/live/protocol.js';
import { codeOf } from '../../report/live/states.js';
import { readManifest } from '../../sweep/observe/manifest.js';
import { GvaError } from '../../system/errors.js';
import { sweepFiles } from '../../system/paths.js';
import { readTable } from '../report/collect.js';

/** Seconds between two readings, at least; of a table that takes long to be read, this part of the time at most. */
const shortestPause = 1;
const share = 1 / 20;

/** Follows the table of results of a sweep, which is written anew while the sweep runs. */
export class TableWatch {
  /** Another number for another table; 0 while there is none. */
  version = 0;
  /** When it was written, in milliseconds since 1970. */
  written = 0;
  /** A code for each point that it has. */
  states = new Uint8Array(0);
  readonly #folder: string;
  #mark = '';
  #next = -Infinity;
  #table: ReportTable | undefined;
  #json: { readonly version: number; readonly json: string } | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @returns whether it is another table than before @throws GvaError */
  async look(signal: AbortSignal): Promise<boolean> {
    const start = performance.now();
    if (start < this.#next) return false;
    const found = await this.#found();
    if (!found || found.mark === this.#mark) return false;
    this.#table = await this.#read(signal);
    if (!this.#table) return false;
    this.#mark = found.mark;
    this.written = found.written;
    this.states = statesOf(this.#table);
    this.version++;
    const end = performance.now();
    this.#next = end + Math.max(shortestPause * 1000, (end - start) / share);
    return true;
  }

  /** Made only for who asks. */
  json(): { readonly version: number; readonly json: string } | undefined {
    if (!this.#table) return undefined;
    const { version } = this;
    if (this.#json?.version !== version) {
      const { rows, columns } = this.#table;
      const failures = this.#table.failures.map(({ state, cause, status, count, points, common }) => ({
        ...{ state, cause, status, count, points, common },
      }));
      const table: LiveTable = { version, rows, columns, failures };
      this.#json = { version, json: JSON.stringify(table) };
    }
    return this.#json;
  }

  async #found(): Promise<{ readonly mark: string; readonly written: number } | undefined> {
    for (const name of [sweepFiles.lines, sweepFiles.results]) {
      const info = await stat(join(this.#folder, name)).catch(() => undefined);
      if (info) return { mark: `${info.ino} ${info.size} ${info.mtimeMs}`, written: info.mtimeMs };
    }
    return undefined;
  }

  async #read(signal: AbortSignal): Promise<ReportTable | undefined> {
    try {
      return await readTable(this.#folder, await readManifest(this.#folder), signal);
    } catch (error) {
      if (error instanceof GvaError && error.code === 'RESULTS_MISSING') return undefined;
      throw error;
    }
  }
}

function statesOf({ rows, columns }: ReportTable): Uint8Array<ArrayBuffer> {
  const [point, state] = [columnNamed(columns, 'gva_point'), columnNamed(columns, 'gva_state')];
  const states = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) {
    const index = point ? cellNumber(point, row) : row;
    if (index < rows) states[index] = codeOf(stateOf(state ? cellText(state, row) : ''));
  }
  return states;
}
