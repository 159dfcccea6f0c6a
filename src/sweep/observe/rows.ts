import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { sweepFiles } from '../../system/paths.js';
import { csvRecords } from '../../system/csv.js';
import type { DataValue } from '../results/data-values.js';
import { exactNumber } from '../results/exact-number.js';
import { readCapped } from './capped.js';

/** A row of the table of results, by the names of its columns. */
export type ResultRow = Readonly<Record<string, DataValue>>;

/** Bytes of a results.csv that is read where there is no results.jsonl. */
const largestCsv = 256 << 20;

/**
 * The rows of the table as it was written last, in the order of the plan: of results.jsonl, which is read as a stream,
 * or, where there is none, of results.csv, which does not say whether a number was one or text.
 *
 * @throws GvaError RESULTS_MISSING, RESULTS_UNREADABLE
 */
export async function* readRows(folder: string): AsyncGenerator<ResultRow> {
  const lines = join(folder, sweepFiles.lines);
  if (existsSync(lines)) yield* rowsOfLines(lines);
  else yield* rowsOfCsv(join(folder, sweepFiles.results));
}

async function* rowsOfLines(file: string): AsyncGenerator<ResultRow> {
  const stream = createReadStream(file);
  try {
    let number = 0;
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      number++;
      yield parseRow(line, `${file}, line ${number}`);
    }
  } finally {
    stream.destroy();
  }
}

export function parseRow(line: string, place: string): ResultRow {
  try {
    const row: unknown = JSON.parse(line);
    if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as ResultRow;
  } catch {
    // Said below.
  }
  throw unreadable(place, 'it is no row of results');
}

async function* rowsOfCsv(file: string): AsyncGenerator<ResultRow> {
  const text = await readCapped(file, largestCsv).catch((error: unknown) => {
    throw unreadable(file, messageOf(error));
  });
  if (text === undefined) throw noResults(file);
  let header: readonly string[] | undefined;
  for (const record of csvRecords(text)) {
    if (header)
      yield Object.fromEntries(header.map((name, column) => [name, csvValue(record[column] ?? '')]));
    else header = record;
  }
}

/** What is not known is an empty field; a number is what reads back as it was written. */
const csvValue = (text: string) => (text === '' ? null : (exactNumber(text) ?? text));

export const noResults = (file: string) =>
  new GvaError('RESULTS_MISSING', `there is no table of results yet: ${file}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'It is written while the sweep runs, and at its end.',
  });

const unreadable = (place: string, why: string) =>
  new GvaError('RESULTS_UNREADABLE', `cannot read ${place}: ${why}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'The results of the points are kept: remove results.csv, and gva sweep resume writes the table anew.',
  });
