import { statSync } from 'node:fs';
import type { ParameterValue } from '../../../model/parameter.js';
import { GvaError } from '../../../system/errors.js';
import { type Cursor, type Group, type Row, computedGroup } from '../row.js';
import { TableError, type TableFormat } from './cells.js';
import type { RecordParser } from './columns.js';
import { type Position, RecordReader } from './records.js';

/** Rows between two places that reading can begin at. */
export const stride = 4096;

export interface TableFile {
  /** Absolute. */
  readonly path: string;
  /** For messages. */
  readonly name: string;
  readonly format: TableFormat;
  /** Names of the columns; absent: the first record has them. */
  readonly columns?: readonly string[];
}

/** What is known of the rows of a table that was checked. */
export interface RowIndex {
  readonly rows: number;
  readonly wrong: number;
  /** Where the rows begin whose number is a multiple of `stride`. */
  readonly positions: readonly Position[];
  readonly distinct: boolean;
  /** Values of the rows, where they are few. */
  readonly kept: readonly (readonly ParameterValue[])[] | undefined;
}

/** Tells a changed file from the one that was checked. */
export function versionOf({ path }: TableFile): string {
  const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
  return [dev, ino, size, mtimeNs].join(' ');
}

/** The rows of a table that was checked, as a group. @param version of the file that was checked */
export function tableGroup(file: TableFile, version: string, parser: RecordParser, index: RowIndex): Group {
  const numbers = parser.columns.flatMap(({ parameter }) => (parameter ? [parameter.number] : []));
  const { rows, distinct, kept } = index;
  const sets = new Set(numbers);
  if (kept)
    return computedGroup(sets, BigInt(rows), distinct, (at, row) => write(kept[at] ?? [], numbers, row));
  return {
    ...{ sets, size: BigInt(rows), exact: true, distinct },
    open(from) {
      if (versionOf(file) !== version) throw changed(file);
      return new TableCursor(file, parser, numbers, index, Number(from));
    },
  };
}

function write(values: readonly ParameterValue[], numbers: readonly number[], row: Row): void {
  for (const [order, number] of numbers.entries()) row.values[number] = values[order] ?? '';
}

class TableCursor implements Cursor {
  readonly #file: TableFile;
  readonly #reader: RecordReader;
  readonly #parser: RecordParser;
  readonly #numbers: readonly number[];
  #left: number;

  constructor(
    file: TableFile,
    parser: RecordParser,
    numbers: readonly number[],
    index: RowIndex,
    from: number,
  ) {
    this.#file = file;
    this.#parser = parser;
    this.#numbers = numbers;
    const position = index.positions[Math.floor(from / stride)] ?? { offset: 0, line: 1 };
    this.#reader = new RecordReader(file.path, file.format, position);
    this.#left = Math.max(0, index.rows - from);
    if (this.#left > 0) for (let skip = from % stride; skip > 0; skip--) this.#reader.next();
  }

  next(row: Row): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    write(this.#nextValues(), this.#numbers, row);
    return true;
  }

  #nextValues(): ParameterValue[] {
    try {
      const record = this.#reader.next();
      if (record) return this.#parser.values(record);
    } catch (error) {
      if (!(error instanceof TableError)) throw error;
    }
    throw changed(this.#file);
  }
}

const changed = ({ name }: TableFile) =>
  new GvaError('PLAN_CHANGED', `${name} has changed since it was read`, {
    hint: 'The same command again reads it anew; what is done is kept.',
  });
