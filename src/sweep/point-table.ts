import type { PointCounts, PointOutcome, PointState } from '../model/sweep.js';
import { outcomeCells, pendingCells } from './results-csv.js';

const states = ['pending', 'done', 'failed', 'lost'] as const satisfies readonly PointState[];

/** How each point of a sweep stands. Of a million points it is a byte and a short text each. */
export class PointTable {
  readonly #states: Uint8Array;
  readonly #cells: (string | undefined)[] = [];
  readonly #counts = [0, 0, 0, 0];

  constructor(points: number) {
    this.#states = new Uint8Array(points);
    this.#counts[0] = points;
  }

  get size(): number {
    return this.#states.length;
  }

  get counts(): PointCounts {
    const [pending = 0, done = 0, failed = 0, lost = 0] = this.#counts;
    return { pending, done, failed, lost };
  }

  stateOf(index: number): PointState {
    return states[this.#states[index] ?? 0] ?? 'pending';
  }

  /** The end of the point's row in results.csv. */
  cellsOf(index: number): string {
    return this.#cells[index] ?? pendingCells;
  }

  /** Notes how a point ended. A cancelled one stands as it stood before. */
  note(index: number, outcome: PointOutcome, folder: string | undefined): void {
    if (outcome.state === 'cancelled') return;
    const before = this.#states[index] ?? 0;
    const now = states.indexOf(outcome.state);
    this.#counts[before] = (this.#counts[before] ?? 0) - 1;
    this.#counts[now] = (this.#counts[now] ?? 0) + 1;
    this.#states[index] = now;
    this.#cells[index] = outcomeCells(outcome, folder);
  }
}
