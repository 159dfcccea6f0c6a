import { type FileHandle, open } from 'node:fs/promises';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { publishFile } from '../../system/files.js';
import { writeParquet } from './parquet.js';
import { type ResultsSource, ResultsTable } from './table.js';
import { csvLines, jsonLines } from './text-formats.js';

export const resultsFormats = ['csv', 'jsonl', 'parquet'] as const;
export type ResultsFormat = (typeof resultsFormats)[number];

export interface WrittenResults {
  /** Names of the columns, in order. */
  readonly columns: readonly string[];
  /** Some data are not in the table: the points have more names than `maxDataColumns` in all. */
  readonly leftOut: boolean;
}

/**
 * Writes the table of results as the file `target`, which appears whole or not at all. Columns, in order: gva_point, the
 * parameters, gva_state, gva_cause, gva_status, the phases' seconds, gva_attempts, gva_folder, then the data of the
 * points, in the order in which their names first appear in the plan's order of points.
 *
 * @throws GvaError OUT_UNUSABLE where the file cannot be written; its cause is the system's error
 */
export async function writeResults(
  format: ResultsFormat,
  source: ResultsSource,
  target: string,
  signal?: AbortSignal,
): Promise<WrittenResults> {
  const table = await ResultsTable.open(source, { types: format === 'parquet', signal });
  await publishFile(target, async (temporary) => {
    await using file = await open(temporary, 'wx');
    if (format === 'parquet') await writeParquet(table, file, signal);
    else await writeLines(format === 'csv' ? csvLines(table) : jsonLines(table), file, signal);
  }).catch((error: unknown) => {
    throw unwritable(target, error);
  });
  return { columns: table.columns.map(({ name }) => name), leftOut: table.leftOut };
}

async function writeLines(lines: Iterable<string>, file: FileHandle, signal?: AbortSignal): Promise<void> {
  let text = '';
  for (const line of lines) {
    text += line;
    if (text.length < 1 << 16) continue;
    await file.writeFile(text);
    signal?.throwIfAborted();
    text = '';
  }
  await file.writeFile(text);
}

function unwritable(target: string, error: unknown): unknown {
  const isOfHost = error instanceof Error && 'syscall' in error;
  if (!isOfHost) return error;
  return new GvaError('OUT_UNUSABLE', `cannot write ${target}: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'The results of the points are kept: the same command writes the table anew.',
    cause: error,
  });
}
