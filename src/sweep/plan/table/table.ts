import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { ParameterValue } from '../../../model/parameter.js';
import { errnoOf, messageOf } from '../../../system/errors.js';
import type { Mistakes } from '../mistakes.js';
import type { Group } from '../row.js';
import { TableError, cellsOf, placeOfCell } from './cells.js';
import {
  type Column,
  type ColumnRules,
  type RecordParser,
  findColumns,
  objectOf,
  recordParser,
} from './columns.js';
import { type Position, RecordReader } from './records.js';
import { RowHashes } from './row-hashes.js';
import { type RowIndex, type TableFile, stride, tableGroup, versionOf } from './table-group.js';

/** Rows of a table that stay in memory; longer ones are read again. */
const mostKept = 4096;
/** A guess at the rows of a table, from its size in bytes, and the largest such guess. */
const [shortestRow, mostExpected] = [16, 2 ** 21];
/** Mistakes of one table that are told. */
const mostTold = 20;

/**
 * Checks all rows of a table, each once, and gives them as a group; undefined, and told, where something is wrong. What
 * is kept of it is little, however long it is: rows are read again when they are wanted.
 */
export async function readTable(
  file: TableFile,
  rules: ColumnRules,
  mistakes: Mistakes,
): Promise<Group | undefined> {
  const told = mistakes.ofFile(file.name);
  const before = told.count;
  try {
    const version = versionOf(file);
    const reader = new RecordReader(file.path, file.format);
    const columns = readColumns(file, reader, rules, (line, column, message) =>
      told.add(line, column, message),
    );
    if (!columns) return undefined;
    rules.onColumns?.(new Set(columns.flatMap(({ parameter }) => (parameter ? [parameter.number] : []))));
    const parser = recordParser(file.format, columns);
    const expected = Math.min(mostExpected, statSync(file.path).size / shortestRow);
    const index = await checkRows(reader, parser, expected, (error) =>
      told.add(error.line, error.column, error.message),
    );
    if (index.wrong > mostTold)
      told.add(Infinity, 1, `and ${index.wrong - mostTold} more lines have mistakes`);
    if (index.rows === 0) told.add(1, 1, 'the table has no rows');
    if (told.count > before) return undefined;
    return tableGroup(file, version, parser, index);
  } catch (error) {
    if (error instanceof TableError) return told.at(error.line, error.column).fail<Group>(error.message);
    if (errnoOf(error) === undefined) throw error;
    return told.at(1, 1).fail<Group>(`cannot read the table: ${messageOf(error)}`);
  }
}

function readColumns(
  { format, columns }: TableFile,
  reader: RecordReader,
  rules: ColumnRules,
  fail: (line: number, column: number, message: string) => void,
): Column[] | undefined {
  if (columns) return findColumns(columns, rules, (_, message) => fail(1, 1, message));
  const start = reader.position;
  const record = reader.next();
  if (!record) {
    fail(1, 1, 'the table is empty');
    return undefined;
  }
  const { text, line } = record;
  const names = format === 'jsonl' ? Object.keys(objectOf(text, line)) : cellsOf(text, line, format);
  const failAt = (index: number, message: string) => fail(...placeOfCell(text, line, format, index), message);
  // In JSON Lines the first line is a row, too.
  if (format === 'jsonl') reader.seek(start);
  return findColumns(names, rules, failAt);
}

async function checkRows(
  reader: RecordReader,
  parser: RecordParser,
  expected: number,
  fail: (error: TableError) => void,
): Promise<RowIndex> {
  const positions: Position[] = [];
  const hashes = new RowHashes(expected);
  const kept: ParameterValue[][] = [];
  let [rows, wrong] = [0, 0];
  for (;;) {
    const position = reader.position;
    const record = reader.next();
    if (!record)
      return { rows, wrong, positions, distinct: hashes.distinct, kept: rows <= mostKept ? kept : undefined };
    if (rows % stride === 0) {
      positions.push(position);
      // A long table must not keep a Ctrl-C waiting.
      await setImmediate();
    }
    rows++;
    try {
      const values = parser.values(record);
      hashes.add(values);
      if (rows <= mostKept) kept.push(values);
    } catch (error) {
      if (!(error instanceof TableError)) throw error;
      if (++wrong <= mostTold) fail(error);
    }
  }
}
