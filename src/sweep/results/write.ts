import { type FileHandle, open } from 'node:fs/promises';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { publishFile } from '../../system/files.js';
import { writeParquet } from './parquet.js';
import { type Cell, type ResultsSource, ResultsTable } from './table.js';
import { type TextFormat, csvFormat, jsonFormat } from './text-formats.js';

export const resultsFormats = ['csv', 'jsonl', 'parquet'] as const;
export type ResultsFormat = (typeof resultsFormats)[number];

/** Formats that are written line by line. */
const textFormats = { csv: csvFormat, jsonl: jsonFormat };
type TextFormatName = keyof typeof textFormats;

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
  if (format !== 'parquet') return writeTexts(source, { [format]: target }, signal);
  const table = await ResultsTable.open(source, { types: true, signal });
  await publishAll([target], async ([file]) => {
    if (file) await writeParquet(table, file, signal);
  });
  return written(table);
}

/** The same, in several formats at once: the points are looked at once for all of them. */
export async function writeTexts(
  source: ResultsSource,
  targets: Readonly<Partial<Record<TextFormatName, string>>>,
  signal?: AbortSignal,
): Promise<WrittenResults> {
  const table = await ResultsTable.open(source, { signal });
  const names = Object.keys(targets) as TextFormatName[];
  const formats = names.map((name) => textFormats[name](table.columns));
  await publishAll(
    names.map((name) => targets[name] ?? ''),
    (files) => writeLines(table.rows(), formats, files, signal),
  );
  return written(table);
}

const written = ({ columns, leftOut }: ResultsTable): WrittenResults => ({
  columns: columns.map(({ name }) => name),
  leftOut,
});

/** Characters that are written at once; they are the work between two turns of the event loop. */
const chunk = 1 << 16;

async function writeLines(
  rows: Iterable<readonly Cell[]>,
  formats: readonly TextFormat[],
  files: readonly FileHandle[],
  signal?: AbortSignal,
): Promise<void> {
  const texts = formats.map(({ head }) => head);
  const write = async (index: number) => {
    await files[index]?.writeFile(texts[index] ?? '');
    texts[index] = '';
    signal?.throwIfAborted();
  };
  for (const row of rows)
    for (const [index, { line }] of formats.entries()) {
      const text = (texts[index] ?? '') + line(row);
      texts[index] = text;
      if (text.length >= chunk) await write(index);
    }
  for (const index of formats.keys()) await write(index);
}

/** Makes all of the files, each of which appears whole or not at all. */
async function publishAll(
  targets: readonly string[],
  produce: (files: readonly FileHandle[]) => Promise<void>,
): Promise<void> {
  const [target, ...others] = targets;
  if (target === undefined) return produce([]);
  await publishFile(target, async (temporary) => {
    await using file = await open(temporary, 'wx');
    await publishAll(others, (files) => produce([file, ...files]));
  }).catch((error: unknown) => {
    throw unwritable(target, error);
  });
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
