import type { ParameterValue } from '../../model/parameter.js';
import type { FilePattern } from './file-pattern.js';

/**
 * A point in the making. Those who enumerate write into one row again and again, so that a million points cost
 * no memory.
 */
export interface Row {
  /** By the number of the parameter in the order of declaration. */
  readonly values: ParameterValue[];
  /** Where the point is from, for each place that joins plans with files of their own. */
  readonly origins: (Origin | undefined)[];
  /** Rows that were left out on the way because they were there before. */
  repeated: number;
}

/** A plan that was joined to others, and the number that the point has within it. */
export interface Origin {
  readonly files: readonly FilePattern[];
  readonly index: number;
}

/** Some parameters and the rows of values that they take together, in order. */
export interface Group {
  /** Numbers of the parameters that its rows set. */
  readonly sets: ReadonlySet<number>;
  /** Number of rows: exactly where `exact`, else at most. */
  readonly size: bigint;
  readonly exact: boolean;
  /** No two of its rows are equal. */
  readonly distinct: boolean;
  /** @param from number of the first row wanted */
  open(from: bigint): Cursor;
}

/** Goes through the rows of a group once. */
export interface Cursor {
  /** Writes the values of the next row; false, for good, where there is no more. */
  next(row: Row): boolean;
}

/** A cursor for groups that can find a row only by counting. */
export function skipping(cursor: Cursor, from: bigint): Cursor {
  let left = from;
  return {
    next(row) {
      for (; left > 0n; left--) if (!cursor.next(row)) return false;
      return cursor.next(row);
    },
  };
}

/** A group whose row of any number can be computed. */
export function computedGroup(
  sets: ReadonlySet<number>,
  size: bigint,
  distinct: boolean,
  write: (index: number, row: Row) => void,
): Group {
  return {
    ...{ sets, size, distinct, exact: true },
    open(from) {
      let index = Number(from);
      const end = Number(size);
      return {
        next(row) {
          if (index >= end) return false;
          write(index++, row);
          return true;
        },
      };
    },
  };
}
