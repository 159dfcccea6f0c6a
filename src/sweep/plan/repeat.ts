import type { ParameterDeclaration } from '../../model/parameter.js';
import { digestText } from '../../system/files.js';
import { permutation } from './permutation.js';
import { Random, stream } from './random.js';
import type { Group, Row } from './row.js';

export interface Repeats {
  /** The parameter that gets the seeds, and its number. */
  readonly declaration: ParameterDeclaration;
  readonly parameter: number;
  readonly count: number;
  readonly seed: number;
  /** Every point gets the same seeds. */
  readonly same: boolean;
  /** Numbers of the parameters that the point is told by, the seed's excepted. */
  readonly others: readonly number[];
}

/** Seeds that a repeat may have: those that fit a signed integer of 32 bits, within what is declared. */
export function seedRange({ min = 0, max = 2 ** 31 - 1 }: ParameterDeclaration): {
  first: number;
  count: number;
} {
  const first = Math.max(0, Math.ceil(min));
  return { first, count: Math.max(0, Math.min(2 ** 31 - 1, Math.floor(max)) - first + 1) };
}

/**
 * Each point so many times, each time with another seed. The seeds hang on the plan's seed, the values of the point and
 * the number of the repeat alone: they stay when the plan gets more points or more repeats.
 */
export function repeatGroup(repeats: Repeats): Group {
  const { declaration, parameter, count, seed, same, others } = repeats;
  const range = seedRange(declaration);
  const seedsOf = (row: Row) => {
    const values = same ? [] : others.map((number) => row.values[number]);
    const point = Number.parseInt(digestText(JSON.stringify(values)).slice(0, 13), 16);
    return permutation(range.count, new Random(seed, stream.repeat), point);
  };
  return {
    ...{ sets: new Set([parameter]), size: BigInt(count), exact: true, distinct: true },
    open(from) {
      let index = Number(from);
      let seeds: ((number: number) => number) | undefined;
      return {
        next(row) {
          if (index >= count) return false;
          seeds ??= seedsOf(row);
          row.values[parameter] = range.first + seeds(index++);
          return true;
        },
      };
    },
  };
}
