import type { ParameterDeclaration, ParameterValue } from '../../model/parameter.js';
import type { Axis } from './axis.js';
import { permutation } from './permutation.js';
import { numberBetween, wholeBetween } from './random-axis.js';
import { Random, stream } from './random.js';
import { type Group, computedGroup } from './row.js';
import { sobolDimension } from './sobol.js';

export const sampleMethods = ['random', 'latin-hypercube', 'sobol'] as const;
export type SampleMethod = (typeof sampleMethods)[number];

/** A parameter in a sample. */
export interface Dimension {
  /** Of the parameter. */
  readonly number: number;
  /** @param part from 0, below 1: where in its interval the value lies */
  readonly valueAt: (part: number) => ParameterValue;
  /** Different parts are different values, as good as always. */
  readonly continuous: boolean;
}

/** Any number from one to the other, or any integer; evenly, or evenly in its logarithm. */
export function intervalDimension(
  number: number,
  { type }: ParameterDeclaration,
  [from, to]: readonly [number, number],
  logarithmic: boolean,
): Dimension {
  const whole = type === 'int';
  const continuous = !whole && to - from > Math.max(Math.abs(from), Math.abs(to)) * 1e-6;
  if (!logarithmic) {
    const between = whole ? wholeBetween : numberBetween;
    return { number, continuous, valueAt: (part) => between(part, from, to) };
  }
  const [low, high] = [Math.log(from), Math.log(whole ? to + 1 : to)];
  const within = (value: number) => Math.min(to, Math.max(from, value));
  const at = (part: number) => Math.exp(low + part * (high - low));
  // 12 digits: the last bits of a logarithm may differ by machine.
  const valueAt = (part: number) => within(whole ? Math.floor(at(part)) : Number(at(part).toPrecision(12)));
  return { number, continuous, valueAt };
}

/** Each of the values with the same probability. */
export function choiceDimension(number: number, axis: Axis): Dimension {
  const count = Number(axis.count);
  return {
    number,
    continuous: false,
    valueAt: (part) => axis.at(Math.min(count - 1, Math.floor(part * count))),
  };
}

export interface Sample {
  readonly method: SampleMethod;
  readonly count: number;
  /** Undefined: the Sobol sequence as it was published. */
  readonly seed: number | undefined;
  readonly dimensions: readonly Dimension[];
}

export function sampleGroup({ method, count, seed, dimensions }: Sample): Group {
  const parts = partsOf[method](count, dimensions.length, seed);
  return computedGroup(
    new Set(dimensions.map(({ number }) => number)),
    BigInt(count),
    // That two of a million numbers of 53 bits are equal has a probability of 1 to 20,000, and does no harm.
    dimensions.some(({ continuous }) => continuous),
    (index, row) => {
      for (const [order, { number, valueAt }] of dimensions.entries())
        row.values[number] = valueAt(parts(index, order));
    },
  );
}

/** Where in its interval the value of a dimension lies, for the point of that index. */
type Parts = (index: number, dimension: number) => number;

const partsOf: Record<SampleMethod, (count: number, dimensions: number, seed: number | undefined) => Parts> =
  {
    random: (_count, _dimensions, seed = 0) => uniform(new Random(seed, stream.sample)),
    'latin-hypercube': latinHypercube,
    sobol: (_count, dimensions, seed) => {
      const random = new Random(seed ?? 0, stream.scramble);
      const all = Array.from({ length: dimensions }, (_, dimension) =>
        sobolDimension(dimension, seed === undefined ? undefined : random.words(dimension, 0)[0]),
      );
      return (index, dimension) => (all[dimension]?.(index) ?? 0) / 2 ** 32;
    },
  };

function uniform(random: Random): Parts {
  return (index, dimension) => random.pair(index, dimension >>> 1)[(dimension & 1) as 0 | 1];
}

/** Each of `count` intervals of equal length has one value of each dimension (McKay, Beckman and Conover, 1979). */
function latinHypercube(count: number, dimensions: number, seed = 0): Parts {
  const random = new Random(seed, stream.strata);
  const strata = Array.from({ length: dimensions }, (_, dimension) => permutation(count, random, dimension));
  const jitter = uniform(new Random(seed, stream.jitter));
  return (index, dimension) => ((strata[dimension]?.(index) ?? 0) + jitter(index, dimension)) / count;
}
