import type { Point } from '../../model/sweep.js';
import { type Sorting, sortedPoints } from '../plan/ordered.js';
import type { PointSource } from '../plan/points.js';

/** When a point is to be run: `last` is after all those that are to be run now. */
export type Turn = 'now' | 'last' | 'never';

/** There is no point yet: it is being searched for. */
export const searching = Symbol('searching');
export type Searching = typeof searching;

/** Milliseconds of search for a point that is to be run after which the event loop gets its turn. */
const longestSearch = 50;

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

  /** The points that are to be run; may be gone through once. Where it takes long to find one, `searching` comes before. */
  *points(): Generator<Point | Searching> {
    let since = performance.now();
    for (const point of this.#all()) {
      const found = this.#isNext(point.index);
      if (found) yield point;
      else if (performance.now() - since > longestSearch) yield searching;
      else continue;
      since = performance.now();
    }
    yield* this.#lastPoints();
  }

  #isNext(index: number): boolean {
    this.#looked++;
    const turn = this.#turnOf(index);
    if (turn !== 'last' || this.#last.size >= mostLast) return turn !== 'never';
    this.#last.add(index);
    return false;
  }

  *#lastPoints(): Generator<Point | Searching> {
    if (this.#last.size === 0) return;
    let since = performance.now();
    for (const point of this.#all()) {
      if (this.#last.delete(point.index)) yield point;
      else if (performance.now() - since > longestSearch) yield searching;
      else continue;
      since = performance.now();
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
