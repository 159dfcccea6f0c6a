import { setImmediate } from 'node:timers/promises';
import type { ParameterDeclaration, ParameterValue } from '../../model/parameter.js';
import type { Point } from '../../model/sweep.js';
import { GvaError } from '../../system/errors.js';
import type { Cursor, Group, Origin, Row } from './row.js';

/** The points of a plan, in order and numbered from 0 without a gap. They are made one at a time. */
export interface PointSource {
  /** Names of all parameters in the order of declaration. */
  readonly names: readonly string[];
  /** Number of points: exactly where `exact`, else at most. */
  readonly count: bigint;
  /**
   * Not so where some points are left out (`where:`, or because they are there twice) and nobody has counted the others:
   * `countPoints()` does.
   */
  readonly exact: boolean;
  /** Points that are there again, and so were left out; 0 until the points are counted. */
  readonly repeated: number;
  /**
   * @param from number of the first one wanted; where points are left out, it is found by counting
   * @throws GvaError PLAN_EMPTY at the end of a plan without points, PLAN_CHANGED, PLAN_FRUITLESS
   */
  points(from?: number): Iterable<Point>;
  /** Plans with files of their own that the point is from; a point of the same number will do as well. */
  originsOf(point: Point): readonly Origin[];
}

/** Milliseconds between two looks at the signal, but for the search for a single point. */
const longestTurn = 50;

export interface CountLimits {
  /** Counting ends when there are more than these. */
  readonly most?: bigint;
  /** Counting ends after this time. */
  readonly seconds?: number;
  /** Is told now and then how many were counted so far. */
  readonly onCount?: (count: number) => void;
}

/**
 * Counts the points, which takes about a second for each million where some are left out; from then on the source is
 * exact, unless a limit was reached.
 *
 * @returns the number that was counted
 */
export async function countPoints(
  source: PointSource,
  signal?: AbortSignal,
  { most, seconds = Infinity, onCount }: CountLimits = {},
): Promise<bigint> {
  if (source.exact) return source.count;
  if (!(source instanceof GroupPoints)) throw new Error('a source that cannot be counted');
  const end = performance.now() + seconds * 1000;
  for (const count of source.counting()) {
    await setImmediate();
    signal?.throwIfAborted();
    if ((most !== undefined && count > most) || performance.now() > end) return BigInt(count);
    onCount?.(count);
  }
  return source.count;
}

/** The points that a group of rows stands for. */
export class GroupPoints implements PointSource {
  readonly names: readonly string[];
  readonly #group: Group;
  readonly #start: readonly ParameterValue[];
  #counted: bigint | undefined;
  #repeated = 0;
  /** Beside the points, which may be printed and stored. */
  readonly #origins = new WeakMap<Point, readonly Origin[]>();

  constructor(group: Group, parameters: readonly ParameterDeclaration[]) {
    this.names = parameters.map(({ name }) => name);
    this.#group = group;
    this.#start = parameters.map((parameter) => parameter.default ?? '');
    if (group.exact) this.#counted = group.size;
  }

  get count(): bigint {
    return this.#counted ?? this.#group.size;
  }

  get exact(): boolean {
    return this.#counted !== undefined;
  }

  get repeated(): number {
    return this.#repeated;
  }

  *points(from = 0): Generator<Point> {
    const row = this.#newRow();
    const cursor = this.#group.open(BigInt(from));
    let index = from;
    for (; cursor.next(row); index++) yield this.#point(row, index);
    if (index === 0) throw emptyPlan();
    if (from === 0) this.#note(index, row);
  }

  /** Goes through all rows; stops now and then, with the number of those so far. */
  *counting(): Generator<number> {
    const row = this.#newRow();
    const cursor: Cursor = this.#group.open(0n);
    let count = 0;
    for (let turn = performance.now(); cursor.next(row); count++) {
      if (performance.now() - turn < longestTurn) continue;
      yield count;
      turn = performance.now();
    }
    if (count === 0) throw emptyPlan();
    this.#note(count, row);
  }

  #note(count: number, { repeated }: Row): void {
    this.#counted = BigInt(count);
    this.#repeated = repeated;
  }

  #newRow(): Row {
    return { values: [...this.#start], origins: [], repeated: 0 };
  }

  originsOf(point: Point): readonly Origin[] {
    const known = this.#origins.get(point);
    if (known) return known;
    const [again] = this.points(point.index);
    return (again && this.#origins.get(again)) ?? [];
  }

  #point({ values, origins }: Row, index: number): Point {
    const parameters: Record<string, ParameterValue> = {};
    // Identities and the words on the CD go by the order of declaration.
    for (const [number, name] of this.names.entries()) parameters[name] = values[number] as ParameterValue;
    const point = { index, parameters };
    if (origins.length > 0)
      this.#origins.set(
        point,
        origins.filter((origin) => origin !== undefined),
      );
    return point;
  }
}

const emptyPlan = () =>
  new GvaError('PLAN_EMPTY', 'the plan has no points', {
    hint: 'Nothing fulfils its where: - gva plan FILE shows what it means.',
  });
