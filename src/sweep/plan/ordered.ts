import { setImmediate } from 'node:timers/promises';
import type { Point } from '../../model/sweep.js';
import { GvaError } from '../../system/errors.js';
import type { PlanOutline } from './plan.js';
import type { PointSource } from './points.js';

/** In which order the points of a plan are begun: by this number, ascending. Their own numbers are not touched by it. */
export interface PointOrder {
  /** As the plan says it. */
  readonly text: string;
  readonly keyOf: (point: Point) => number;
}

/** Points that can be sorted: each takes 8 bytes, and 8 more meanwhile. */
export const mostSorted = 1_000_000;
/** Points that are held at once; for each so many, all points of the plan are made once more. */
const batch = 50_000;
/** Milliseconds of work between two looks at the signal. */
const longestTurn = 50;

/** The places of all points in their order. */
export interface Sorting {
  /** Place of the point with that number. */
  readonly places: Uint32Array;
}

/** @throws GvaError PLAN_TOO_LARGE where the plan has an order and too many points for it */
export function checkSortable({ name, points, order }: Pick<PlanOutline, 'name' | 'points' | 'order'>): void {
  if (!order || !points.exact || points.count <= BigInt(mostSorted)) return;
  throw new GvaError(
    'PLAN_TOO_LARGE',
    `the plan ${name} has ${points.count.toLocaleString('en-US')} points; order: can sort ` +
      `${mostSorted.toLocaleString('en-US')} at most`,
    { hint: 'Leave order: out, and write the parameter that matters most first: it changes slowest.' },
  );
}

/** Sorts the points of a counted plan; equal ones, and those without a number, stay in the order of the plan. */
export async function sortPoints(
  points: PointSource,
  { keyOf }: PointOrder,
  signal: AbortSignal,
): Promise<Sorting> {
  const count = Number(points.count);
  const keys = new Float64Array(count);
  let turn = performance.now();
  for (const point of points.points()) {
    const key = keyOf(point);
    keys[point.index] = Number.isNaN(key) ? Infinity : key;
    if (performance.now() - turn < longestTurn) continue;
    await setImmediate();
    signal.throwIfAborted();
    turn = performance.now();
  }
  const keyAt = (index: number) => keys[index] ?? 0;
  const compare = (a: number, b: number) => (keyAt(a) < keyAt(b) ? -1 : keyAt(a) > keyAt(b) ? 1 : a - b);
  const numbers = Uint32Array.from({ length: count }, (_, index) => index).sort(compare);
  const places = new Uint32Array(count);
  for (const [place, index] of numbers.entries()) places[index] = place;
  return { places };
}

/** The points in their order. A few are held at a time, since of many plans a point can only be had by counting. */
export function* sortedPoints(points: PointSource, { places }: Sorting, held = batch): Generator<Point> {
  for (let start = 0; start < places.length; start += held) {
    const kept: Point[] = [];
    let left = Math.min(held, places.length - start);
    for (const point of points.points()) {
      const place = (places[point.index] ?? 0) - start;
      if (place < 0 || place >= held) continue;
      kept[place] = point;
      if (--left === 0) break;
    }
    yield* kept;
  }
}
