import { join } from 'node:path';
import type { RunningPoint } from '../../model/sweep-status.js';
import { type LiveState, codeOf, liveStates } from '../../report/live/states.js';
import { readCapped } from '../../sweep/observe/capped.js';
import { pointFolder, resultFiles } from '../../system/paths.js';

/** Results that are looked at between two looks at the status, at most; the table has the others soon. */
const mostLooks = 200;
/** Bytes. */
const longestResult = 16 << 20;

/** What is known of points that the table of results does not say yet: it is some seconds old. */
export class PointOverlay {
  readonly #folder: string;
  #running = new Set<number>();
  /** How points ended that ran at an earlier look, and when that was seen, in milliseconds since 1970. */
  readonly #ended = new Map<number, { readonly code: number; readonly seen: number }>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes in which points run now; how those have ended that ran before is in their results. */
  async look(running: readonly RunningPoint[]): Promise<void> {
    const now = new Set(running.map(({ index }) => index));
    for (const index of now) this.#ended.delete(index);
    const gone = [...this.#running].filter((index) => !now.has(index));
    this.#running = now;
    for (const index of gone.slice(0, mostLooks)) {
      const state = await endOf(this.#folder, index);
      if (state) this.#ended.set(index, { code: codeOf(state), seen: Date.now() });
    }
  }

  /** The table was read; what it says of the time before is as good. @param written when, in milliseconds since 1970 */
  tableRead(written: number): void {
    for (const [index, { seen }] of this.#ended) if (seen < written) this.#ended.delete(index);
  }

  /** The states of the table with what is known beside it. */
  over(table: Uint8Array): Uint8Array {
    const states = table.slice();
    // Who was working on it when the table was written may be gone.
    for (let index = 0; index < states.length; index++)
      if (states[index] === running && !this.#running.has(index)) states[index] = pending;
    for (const [index, { code }] of this.#ended) if (index < states.length) states[index] = code;
    for (const index of this.#running) if (index < states.length) states[index] = running;
    return states;
  }
}

const [pending, running] = [codeOf('pending'), codeOf('running')];

async function endOf(folder: string, index: number): Promise<LiveState | undefined> {
  try {
    const text = await readCapped(join(pointFolder(folder, index), resultFiles.result), longestResult);
    const { state } = JSON.parse(text ?? '{}') as { readonly state?: unknown };
    return liveStates.find((each) => each === state);
  } catch {
    return undefined;
  }
}
