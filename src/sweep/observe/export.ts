import { createReadStream, existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ExitCode, GvaError, errnoOf, messageOf } from '../../system/errors.js';
import { publishFile } from '../../system/files.js';
import { sweepFiles } from '../../system/paths.js';
import { noResults, readRows } from './rows.js';

export type ExportFormat = 'csv' | 'jsonl' | 'parquet';

/**
 * Copies the table of results, as it was written last, to a stream, which stays open.
 *
 * @throws GvaError RESULTS_MISSING
 */
export async function printKept(
  folder: string,
  format: Exclude<ExportFormat, 'parquet'>,
  to: Writable,
  signal: AbortSignal,
): Promise<void> {
  try {
    await pipeline(keptTable(folder, format), to, { end: false, signal });
  } catch (error) {
    signal.throwIfAborted();
    // The reader has seen enough.
    if (!['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/**
 * Writes the table of results, as it was written last, to a file, which appears whole or not at all.
 *
 * @param options.force replace a file that is there
 * @throws GvaError OUT_EXISTS, OUT_UNUSABLE, RESULTS_MISSING, RESULTS_UNREADABLE
 */
export async function exportResults(
  folder: string,
  format: ExportFormat,
  target: string,
  { force, signal }: { readonly force: boolean; readonly signal: AbortSignal },
): Promise<void> {
  if (!force && existsSync(target))
    throw new GvaError('OUT_EXISTS', `${target} exists`, { hint: 'Replace it: --force' });
  try {
    await publishFile(target, async (temporary) => {
      await using file = await open(temporary, 'wx');
      if (format === 'parquet') {
        const { writeParquetOfLines } = await import('./parquet-export.js');
        await writeParquetOfLines(folder, file, signal);
      } else
        for await (const chunk of keptTable(folder, format))
          await file.writeFile(chunk as Buffer, { signal });
    });
  } catch (error) {
    if (error instanceof GvaError || signal.aborted) throw error;
    throw new GvaError('OUT_UNUSABLE', `cannot write ${target}: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      cause: error,
    });
  }
}

/** The file that the sweep keeps; rows as JSON Lines from results.csv, where it keeps that alone. */
function keptTable(folder: string, format: Exclude<ExportFormat, 'parquet'>): Readable {
  const lines = join(folder, sweepFiles.lines);
  const table = join(folder, sweepFiles.results);
  if (format === 'jsonl' && !existsSync(lines) && existsSync(table)) return Readable.from(jsonOfRows(folder));
  const file = format === 'csv' ? table : lines;
  if (!existsSync(file)) throw noResults(file);
  return createReadStream(file, { highWaterMark: 1 << 18 });
}

async function* jsonOfRows(folder: string): AsyncGenerator<Buffer> {
  for await (const row of readRows(folder)) yield Buffer.from(`${JSON.stringify(row)}\n`);
}
