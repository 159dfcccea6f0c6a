import type { Point } from '../../model/sweep.js';
import { type Sorting, sortedPoints } from '../plan/ordered.js';
import type { PointSource } from '../plan/points.js';

/** When a point is to be run: `last` is after all those that are to be run now. */
export type Turn = 'now' | 'last' | 'never';

/** Points that are kept for the end; more of them are run in their place. */
const mostLast = 1_000_000;

/**
 * The order in which a sweep begins its points: that of the plan (`order:`, else by number), but those last of which an
 * earlier attempt was lost or ran into its time limit. They take long or bring trouble, more often than others do: of a
 * sweep that is ended early, or that has a time limit too short for them, the most is done so.
 */
export class RunOrder {
  readonly #source: PointSource;
  readonly #turnOf: (index: number) => Turn;
  readonly #sorting: Sorting | undefined;
  /** Points that were looked at. */
  #looked = 0;
  /** Numbers of those that are kept for the end. */
  readonly #last = new Set<number>();

  /** @param sorting where the plan has an order */
  constructor(source: PointSource, turnOf: (index: number) => Turn, sorting?: Sorting) {
    this.#source = source;
    this.#turnOf = turnOf;
    this.#sorting = sorting;
  }

  /** The points that are to be run; may be gone through once. */
  *points(): Generator<Point> {
    for (const point of this.#all()) {
      this.#looked++;
      const turn = this.#turnOf(point.index);
      if (turn === 'last' && this.#last.size < mostLast) this.#last.add(point.index);
      else if (turn !== 'never') yield point;
    }
    if (this.#last.size === 0) return;
    for (const point of this.#all()) {
      if (this.#last.delete(point.index)) yield point;
      if (this.#last.size === 0) return;
    }
  }

  /** Whether `points()` has come to the point: it was given out, or is never to be. */
  hasCome(index: number): boolean {
    const place = this.#sorting?.places[index] ?? index;
    return place < this.#looked && !this.#last.has(index);
  }

  #all(): Iterable<Point> {
    return this.#sorting ? sortedPoints(this.#source, this.#sorting) : this.#source.points();
  }
}
