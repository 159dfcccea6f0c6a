import { cellNumber, cellText, columnNamed } from './columns.js';
import type { ReportColumn } from './data.js';
import { type Durations, durationsOf } from './summary.js';

/** One of two tables that are compared. */
export interface ComparedTable {
  readonly columns: readonly ReportColumn[];
  readonly rows: number;
}

/** What two sweeps have in common, and where they differ: `gva compare --json`. */
export interface Comparison {
  readonly format: 'gva-comparison/1';
  /** Names of the parameters by which points are joined. */
  readonly joinedBy: readonly string[];
  readonly points: {
    readonly first: number;
    readonly second: number;
    /** With the same parameters in both. */
    readonly both: number;
    readonly onlyFirst: number;
    readonly onlySecond: number;
  };
  /** Points whose state is another one: how many, by the states in first and second. */
  readonly states: readonly { readonly first: string; readonly second: string; readonly points: number }[];
  /** Of each result that both have, in the order of the first. */
  readonly results: readonly ResultDifference[];
  /** Results that only one of them has. */
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
  /** Seconds of the points that are in both. */
  readonly durations: readonly DurationDifference[];
  /** The first points that differ. */
  readonly differences: readonly PointDifference[];
  readonly differing: number;
  /** No point is in one only, none differs in its state or a result. */
  readonly equal: boolean;
}

export interface ResultDifference {
  readonly name: string;
  /** Points in both that have it in both. */
  readonly compared: number;
  readonly differing: number;
  /** Of numbers: the largest difference, and the largest in parts of the larger of both. */
  readonly largest?: number;
  readonly largestRelative?: number;
}

export interface DurationDifference {
  readonly name: string;
  readonly first: Pick<Durations, 'median' | 'sum'>;
  readonly second: Pick<Durations, 'median' | 'sum'>;
  /** Median of the second in parts of that of the first; null where that is 0. */
  readonly ratio: number | null;
}

export interface PointDifference {
  readonly first: number;
  readonly second: number;
  readonly parameters: Readonly<Record<string, string>>;
  readonly changes: readonly { readonly name: string; readonly first: string; readonly second: string }[];
}

export interface CompareOptions {
  /** Numbers that differ by no more than this part of the larger one are equal. */
  readonly tolerance: number;
  /** Points that are told one by one. */
  readonly listed: number;
}

/** Why two sweeps cannot be compared, as a sentence without its full stop. */
export class NotComparable extends Error {}

/**
 * Joins the points of two sweeps by the parameters that both have, and tells where state or results differ.
 *
 * @throws NotComparable where they have no parameter in common, or several points of one have the same values of these
 */
export function compareTables(
  first: ComparedTable,
  second: ComparedTable,
  { tolerance, listed }: CompareOptions,
): Comparison {
  const joinedBy = commonNames(first, second, 'parameter');
  if (joinedBy.length === 0 && (first.rows > 1 || second.rows > 1))
    throw new NotComparable('they have no parameter in common');
  const places = placesOf(second, joinedBy, 'the second');
  const pairs: (readonly [number, number])[] = [];
  for (const [key, row] of placesOf(first, joinedBy, 'the first')) {
    const other = places.get(key);
    if (other !== undefined) pairs.push([row, other]);
  }
  const tally = new Tally(first, second, commonNames(first, second, 'result'), tolerance);
  const differences: PointDifference[] = [];
  let differing = 0;
  for (const pair of pairs) {
    const changes = tally.changesOf(pair);
    if (changes.length === 0) continue;
    differing++;
    if (differences.length < listed) differences.push(describePair(first, second, pair, joinedBy, changes));
  }
  const points = {
    ...{ first: first.rows, second: second.rows, both: pairs.length },
    ...{ onlyFirst: first.rows - pairs.length, onlySecond: second.rows - pairs.length },
  };
  const names = (table: ComparedTable) =>
    table.columns.filter(({ role }) => role === 'result').map(({ name }) => name);
  const [onlyFirst, onlySecond] = [
    names(first).filter((name) => !columnNamed(second.columns, name)),
    names(second).filter((name) => !columnNamed(first.columns, name)),
  ];
  const isEqual = differing + points.onlyFirst + points.onlySecond === 0;
  return {
    ...{ format: 'gva-comparison/1', joinedBy, points, states: tally.states, results: tally.results },
    ...{
      onlyFirst,
      onlySecond,
      durations: durationDifferences(first, second, pairs),
      differences,
      differing,
    },
    equal: isEqual && onlyFirst.length + onlySecond.length === 0,
  };
}

const commonNames = (first: ComparedTable, second: ComparedTable, role: ReportColumn['role']) =>
  first.columns
    .filter((column) => column.role === role && columnNamed(second.columns, column.name)?.role === role)
    .map(({ name }) => name);

function placesOf(
  { columns, rows }: ComparedTable,
  names: readonly string[],
  which: string,
): Map<string, number> {
  const by = names.flatMap((name) => columnNamed(columns, name) ?? []);
  const places = new Map<string, number>();
  for (let row = 0; row < rows; row++) {
    const key = JSON.stringify(by.map((column) => cellText(column, row)));
    if (places.has(key))
      throw new NotComparable(
        `several points of ${which} have the same ${names.length > 0 ? names.join(', ') : 'parameters'}`,
      );
    places.set(key, row);
  }
  return places;
}

type Change = PointDifference['changes'][number];

interface ResultTally {
  compared: number;
  differing: number;
  largest?: number;
  largestRelative?: number;
}

/** Counts differences pair by pair. */
class Tally {
  readonly #first: ComparedTable;
  readonly #second: ComparedTable;
  readonly #tolerance: number;
  readonly #results: Map<string, ResultTally>;
  readonly #states = new Map<string, number>();

  constructor(first: ComparedTable, second: ComparedTable, names: readonly string[], tolerance: number) {
    [this.#first, this.#second, this.#tolerance] = [first, second, tolerance];
    this.#results = new Map(names.map((name) => [name, { compared: 0, differing: 0 }]));
  }

  get results(): ResultDifference[] {
    return [...this.#results].map(([name, tally]) => ({ name, ...tally }));
  }

  get states(): Comparison['states'] {
    return [...this.#states].map(([key, points]) => {
      const [first = '', second = ''] = key.split(' ');
      return { first, second, points };
    });
  }

  changesOf(pair: readonly [number, number]): Change[] {
    const changes: Change[] = [];
    const state = this.#changeOf('gva_state', pair);
    if (state) {
      changes.push({ ...state, name: 'state' });
      const key = `${state.first} ${state.second}`;
      this.#states.set(key, (this.#states.get(key) ?? 0) + 1);
    }
    for (const [name, tally] of this.#results) {
      const change = this.#compare(name, tally, pair);
      if (change) changes.push(change);
    }
    return changes;
  }

  #compare(name: string, tally: ResultTally, [row, other]: readonly [number, number]): Change | undefined {
    const [a, b] = [columnNamed(this.#first.columns, name), columnNamed(this.#second.columns, name)];
    if (!a || !b) return undefined;
    const [x, y] = [cellNumber(a, row), cellNumber(b, other)];
    const [first, second] = [cellText(a, row), cellText(b, other)];
    if (first !== '' && second !== '') tally.compared++;
    if (first === second) return undefined;
    if (!Number.isNaN(x) && !Number.isNaN(y)) {
      const difference = Math.abs(x - y);
      const relative = difference / Math.max(Math.abs(x), Math.abs(y));
      tally.largest = Math.max(tally.largest ?? 0, difference);
      tally.largestRelative = Math.max(tally.largestRelative ?? 0, relative);
      if (relative <= this.#tolerance) return undefined;
    }
    tally.differing++;
    return { name, first, second };
  }

  #changeOf(name: string, [row, other]: readonly [number, number]): Change | undefined {
    const [a, b] = [columnNamed(this.#first.columns, name), columnNamed(this.#second.columns, name)];
    const [first, second] = [a ? cellText(a, row) : '', b ? cellText(b, other) : ''];
    return first === second ? undefined : { name, first, second };
  }
}

function describePair(
  first: ComparedTable,
  second: ComparedTable,
  [row, other]: readonly [number, number],
  names: readonly string[],
  changes: readonly Change[],
): PointDifference {
  const text = ({ columns }: ComparedTable, name: string, at: number) => {
    const column = columnNamed(columns, name);
    return column ? cellText(column, at) : '';
  };
  return {
    first: Number(text(first, 'gva_point', row)),
    second: Number(text(second, 'gva_point', other)),
    parameters: Object.fromEntries(names.map((name) => [name, text(first, name, row)])),
    changes,
  };
}

const timeNames = ['gva_boot_s', 'gva_script_s', 'gva_total_s'];

/** Of the pairs alone: other points may be longer ones. */
function durationDifferences(
  first: ComparedTable,
  second: ComparedTable,
  pairs: readonly (readonly [number, number])[],
): DurationDifference[] {
  return timeNames.flatMap((name) => {
    const [a, b] = [columnNamed(first.columns, name), columnNamed(second.columns, name)];
    if (!a || !b) return [];
    const values = (column: ReportColumn, side: 0 | 1): ReportColumn => ({
      ...{ name, role: 'outcome', kind: 'number' },
      values: pairs.map((pair) => {
        const value = cellNumber(column, pair[side]);
        return Number.isNaN(value) ? null : value;
      }),
    });
    const [x, y] = [durationsOf(values(a, 0), pairs.length), durationsOf(values(b, 1), pairs.length)];
    if (!x || !y) return [];
    const short = ({ median, sum }: Durations) => ({ median, sum });
    return [{ name, first: short(x), second: short(y), ratio: x.median > 0 ? y.median / x.median : null }];
  });
}
