import { sweepFiles } from '../../system/paths.js';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { Column } from '../results/column.js';
import { writeParquet } from '../results/parquet.js';
import type { Cell } from '../results/table.js';
import { noResults, parseRow } from './rows.js';

/** Columns behind this one are data of the guests. */
const lastOwn = 'gva_folder';

/**
 * Writes the results.jsonl of a sweep as Parquet. It is read twice, first to find the columns and their types; both times
 * from one open file, so that a table that a running sweep writes meanwhile does not matter.
 *
 * @throws GvaError RESULTS_MISSING, RESULTS_UNREADABLE
 */
export async function writeParquetOfLines(
  folder: string,
  target: FileHandle,
  signal: AbortSignal,
): Promise<void> {
  const file = join(folder, sweepFiles.lines);
  if (!existsSync(file)) throw noResults(file);
  const lines = openSync(file, 'r');
  try {
    const columns = columnsOf(lines, file, signal);
    const names = columns.map(({ name }) => name);
    const rows = function* (): Generator<Cell[]> {
      for (const row of rowsIn(lines, file)) yield names.map((name) => row[name]);
    };
    // Of the table, columns and rows are all that is asked for.
    await writeParquet({ columns, rows }, target, signal);
  } finally {
    closeSync(lines);
  }
}

function columnsOf(lines: number, file: string, signal: AbortSignal): Column[] {
  const columns = new Map<string, Column>();
  let guest = false;
  for (const row of rowsIn(lines, file)) {
    signal.throwIfAborted();
    for (const [name, value] of Object.entries(row)) {
      const column = columns.get(name) ?? new Column(name, { guest });
      columns.set(name, column);
      column.note(value);
      guest ||= name === lastOwn;
    }
  }
  return [...columns.values()];
}

function* rowsIn(lines: number, file: string): Generator<ReturnType<typeof parseRow>> {
  let number = 0;
  for (const line of linesIn(lines)) yield parseRow(line, `${file}, line ${++number}`);
}

/** The writer of Parquet takes rows without waiting. */
function* linesIn(file: number): Generator<string> {
  const buffer = Buffer.alloc(1 << 18);
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for (let position = 0; ;) {
    const read = readSync(file, buffer, 0, buffer.length, position);
    position += read;
    const lines = (rest + decoder.write(buffer.subarray(0, read))).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (read > 0) continue;
    if (rest !== '') yield rest;
    return;
  }
}
