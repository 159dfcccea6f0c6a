import { setImmediate } from 'node:timers/promises';
import type { Point } from '../../model/sweep.js';
import { printable } from '../../vmm/console-ring.js';
import type { PointSource } from '../plan/points.js';
import type { PointEnd } from '../store/rows.js';
import { Column, type ColumnType } from './column.js';
import { DataColumns, dataValue } from './data-columns.js';
import type { DataValue } from './data-values.js';
import { phaseSeconds } from './phases.js';

/** Where the rows of a table of results come from. */
export interface ResultsSource {
  readonly points: Pick<PointSource, 'names' | 'points'>;
  /** How the points stand that have been touched, in the order of their numbers. */
  ends(): Iterable<PointEnd>;
  /** What their programs left, in the same order; undefined where one left nothing. */
  data(): Iterable<PointEnd['data']>;
  /** Folder of its results, relative to the table's. */
  folderOf(index: number): string;
}

/** Undefined: there is no such value. */
export type Cell = DataValue | undefined;

/** The columns behind the parameters; names of parameters never begin with gva_. */
const outcomeColumns: Readonly<Record<string, ColumnType>> = {
  gva_state: 'text',
  gva_cause: 'text',
  gva_status: 'int32',
  gva_started: 'text',
  gva_stage_s: 'double',
  gva_boot_s: 'double',
  gva_script_s: 'double',
  gva_shutdown_s: 'double',
  gva_other_s: 'double',
  gva_total_s: 'double',
  gva_attempts: 'int32',
  gva_folder: 'text',
};

/** Milliseconds of work after which the event loop gets its turn. */
const longestTurn = 50;

/**
 * The table of results: a row for each point, in the order of the plan. Nothing of it is kept in memory but the
 * columns. Records may change while the rows are read: each row is of its own moment, and data of a name that came up
 * later have no column yet.
 */
export class ResultsTable {
  readonly columns: readonly Column[];
  /** Some data have no column: there are more names than `maxDataColumns`. */
  readonly leftOut: boolean;
  readonly #source: ResultsSource;
  readonly #keys: readonly string[];

  private constructor(source: ResultsSource, fixed: readonly Column[], data: DataColumns) {
    this.#source = source;
    this.#keys = data.list.map(({ key }) => key);
    this.columns = [...fixed, ...data.list];
    this.leftOut = data.leftOut;
  }

  /** Looks at all data once, to find the columns. The types of parameters are found too, if they are wanted. */
  static async open(
    source: ResultsSource,
    { types = false, signal }: { types?: boolean; signal?: AbortSignal | undefined } = {},
  ): Promise<ResultsTable> {
    const { names } = source.points;
    const parameters = names.map((name) => new Column(name));
    const outcome = Object.entries(outcomeColumns).map(([name, type]) => new Column(name, { type }));
    const fixed = [new Column('gva_point', { type: 'int64' }), ...parameters, ...outcome];
    const data = new DataColumns(fixed.map(({ name }) => name));
    await inTurns(source.data(), (values) => data.note(values), signal);
    if (types)
      await inTurns(
        source.points.points(),
        (point) => {
          for (const column of parameters) column.note(point.parameters[column.name]);
        },
        signal,
      );
    return new ResultsTable(source, fixed, data);
  }

  /** The cells of each row, in the order of the columns. */
  *rows(): Generator<Cell[]> {
    const ends = this.#source.ends()[Symbol.iterator]();
    let end = ends.next();
    for (const point of this.#source.points.points()) {
      while (!end.done && end.value.number < point.index) end = ends.next();
      yield this.#row(point, !end.done && end.value.number === point.index ? end.value : undefined);
    }
  }

  #row({ index, parameters }: Point, record: PointEnd | undefined): Cell[] {
    const source = this.#source;
    const row: Cell[] = [index];
    for (const name of source.points.names) row.push(parameters[name]);
    const { stage, boot, script, shutdown, other, total } = phaseSeconds(record?.times ?? null);
    // May have a word of the guest's in it.
    const cause = record?.cause === undefined ? null : printable(record.cause).toWellFormed();
    row.push(record?.state ?? 'pending', cause, record?.status ?? null, record?.startedAt ?? null, stage);
    row.push(boot, script, shutdown, other, total, record?.attempts ?? 0);
    // What could not be run at all has left no folder; what stands there is of earlier work.
    row.push(record?.times ? source.folderOf(index) : null);
    for (const key of this.#keys) row.push(dataValue(record?.data, key));
    return row;
  }
}

/** Does the work with each item; the event loop gets its turn now and then. */
async function inTurns<T>(items: Iterable<T>, work: (item: T) => void, signal?: AbortSignal): Promise<void> {
  let turn = performance.now();
  for (const item of items) {
    work(item);
    if (performance.now() - turn < longestTurn) continue;
    await setImmediate();
    signal?.throwIfAborted();
    turn = performance.now();
  }
}
