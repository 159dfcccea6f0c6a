import type { Cursor, Group, Row } from './row.js';
import { skipping } from './row.js';

/** Every row of each group with every row of the others; the first changes slowest. None is one empty row. */
export function crossed(groups: readonly Group[]): Group {
  const [only] = groups;
  if (only && groups.length === 1) return only;
  const exact = groups.every((group) => group.exact);
  return {
    sets: new Set(groups.flatMap(({ sets }) => [...sets])),
    size: groups.reduce((product, { size }) => product * size, 1n),
    exact,
    distinct: groups.every((group) => group.distinct),
    open: (from) => (exact ? new ProductCursor(groups, from) : skipping(new ProductCursor(groups, 0n), from)),
  };
}

/** Like the wheels of a counter: the last one turns, and when it is through, the one before turns on. */
class ProductCursor implements Cursor {
  readonly #groups: readonly Group[];
  readonly #cursors: (Cursor | undefined)[];
  /** Whether the wheel has turned since it began anew. */
  readonly #turned: boolean[] = [];
  /** The wheel to be turned next; -1 when all are through. */
  #wheel = 0;

  constructor(groups: readonly Group[], from: bigint) {
    this.#groups = groups;
    this.#cursors = startsAt(groups, from).map((start, index) => groups[index]?.open(start));
    if (from > 0n && groups.length === 0) this.#wheel = -1;
  }

  next(row: Row): boolean {
    const last = this.#groups.length - 1;
    if (last < 0) return this.#wheel-- === 0;
    let wheel = this.#wheel;
    while (wheel >= 0) {
      if (this.#cursors[wheel]?.next(row)) {
        this.#turned[wheel] = true;
        if (wheel === last) break;
        wheel++;
      } else if (this.#turned[wheel]) {
        // Through: it begins anew when the one before has turned.
        this.#cursors[wheel] = this.#groups[wheel]?.open(0n);
        this.#turned[wheel] = false;
        wheel--;
      } else {
        // A group without rows: there is nothing to be had, however often the others turn.
        wheel = -1;
      }
    }
    this.#wheel = wheel;
    return wheel >= 0;
  }
}

/** The row of each group that the row of the product with that number is made of. */
function startsAt(groups: readonly Group[], from: bigint): bigint[] {
  let rest = from;
  return groups
    .toReversed()
    .map(({ size }, index) => {
      if (size === 0n || index === groups.length - 1) return rest;
      const start = rest % size;
      rest /= size;
      return start;
    })
    .toReversed();
}

/** The first rows of all groups together, then the second ones, and so on. All have the same number of rows. */
export function zipped(groups: readonly Group[]): Group {
  const size = groups[0]?.size ?? 1n;
  return {
    sets: new Set(groups.flatMap(({ sets }) => [...sets])),
    size,
    exact: true,
    distinct: groups.some((group) => group.distinct),
    open: (from) => {
      const cursors = groups.map((group) => group.open(from));
      return { next: (row) => cursors.every((cursor) => cursor.next(row)) };
    },
  };
}
