import type { ParameterValue } from '../../model/parameter.js';
import type { FilePattern } from './file-pattern.js';
import type { Cursor, Group, Row } from './row.js';
import { skipping } from './row.js';

/** One of several groups that follow one another. */
export interface Part {
  readonly group: Group;
  /** Values of the parameters that the other parts set and this one does not. */
  readonly fill: readonly { readonly number: number; readonly value: ParameterValue }[];
  /** Files of its points alone, where it is a plan that has some. */
  readonly files: readonly FilePattern[];
}

/**
 * The rows of all parts, one part after the other.
 *
 * @param place in `Row.origins` that is its own
 */
export function concatenated(parts: readonly Part[], place: number): Group {
  const exact = parts.every(({ group }) => group.exact);
  const [only] = parts;
  const open = (from: bigint) => new PartsCursor(parts, place, from);
  return {
    sets: new Set(parts.flatMap(({ group, fill }) => [...group.sets, ...fill.map(({ number }) => number)])),
    size: parts.reduce((sum, { group }) => sum + group.size, 0n),
    exact,
    distinct: parts.length === 1 && only?.group.distinct === true,
    open: (from) => (exact ? open(from) : skipping(open(0n), from)),
  };
}

class PartsCursor implements Cursor {
  readonly #parts: readonly Part[];
  readonly #place: number;
  #current = 0;
  #cursor: Cursor | undefined;
  /** Number of the next row within its part. */
  #index: bigint;

  constructor(parts: readonly Part[], place: number, from: bigint) {
    this.#parts = parts;
    this.#place = place;
    this.#index = from;
    for (let size; (size = this.#part?.group.size) !== undefined && this.#index >= size; this.#current++)
      this.#index -= size;
  }

  next(row: Row): boolean {
    for (let part = this.#part; part; part = this.#part) {
      this.#cursor ??= enter(part, row, this.#index);
      if (this.#cursor.next(row)) {
        const { files } = part;
        row.origins[this.#place] = files.length > 0 ? { files, index: Number(this.#index) } : undefined;
        this.#index++;
        return true;
      }
      this.#current++;
      this.#cursor = undefined;
      this.#index = 0n;
    }
    return false;
  }

  get #part(): Part | undefined {
    return this.#parts[this.#current];
  }
}

function enter({ group, fill }: Part, row: Row, from: bigint): Cursor {
  for (const { number, value } of fill) row.values[number] = value;
  return group.open(from);
}
