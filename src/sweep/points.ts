import type { ParameterValue } from '../model/parameter.js';
import type { Point } from '../model/sweep.js';
import type { Axis } from './axis.js';

/** The cross product of its axes: what a plan means. */
export interface PointSpace {
  /** Names of all parameters in the order of declaration. */
  readonly names: readonly string[];
  /** One for each name; the first changes slowest. */
  readonly axes: readonly Axis[];
}

/** Number of points, without making any of them. */
export function countPoints({ axes }: PointSpace): bigint {
  return axes.reduce((product, { count }) => product * count, 1n);
}

/** The point of that number, from 0. */
export function pointAt({ names, axes }: PointSpace, index: number): Point {
  const values: Record<string, ParameterValue> = {};
  let rest = index;
  for (const axis of axes.toReversed()) {
    const count = Number(axis.count);
    values[axis.name] = axis.at(rest % count);
    rest = Math.floor(rest / count);
  }
  // Identities and the words on the CD go by the order of declaration.
  const parameters = Object.fromEntries(names.map((name) => [name, values[name] as ParameterValue]));
  return { index, parameters };
}

/** All points in order, made one at a time. There must be no more than Number.MAX_SAFE_INTEGER. */
export function* allPoints(space: PointSpace): Generator<Point> {
  const count = Number(countPoints(space));
  for (let index = 0; index < count; index++) yield pointAt(space, index);
}
