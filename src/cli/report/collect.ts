import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { SweepManifest } from '../../model/sweep.js';
import { type ReportTable, TableBuilder } from '../../report/build.js';
import type { ReportData, ReportedSweep } from '../../report/data.js';
import { readManifest } from '../../sweep/observe/manifest.js';
import { type ResultRow, readRows } from '../../sweep/observe/rows.js';
import { type SeenStatus, readStatus } from '../../sweep/observe/status.js';
import { packageVersion } from '../../system/package.js';
import { pointFolder, resultFiles } from '../../system/paths.js';
import { explainFailures } from './failure-examples.js';
import { findImages } from './images.js';

export interface CollectOptions {
  /** Bytes that pictures of the outputs may take. */
  readonly imageBytes: number;
  readonly signal: AbortSignal;
}

/**
 * All that a report of a sweep shows, read from its folder, which nobody needs to have. Of a sweep that runs, what its
 * table said last.
 *
 * @throws GvaError SWEEP_UNREADABLE, RESULTS_MISSING, RESULTS_UNREADABLE
 */
export async function collectReport(
  folder: string,
  { imageBytes, signal }: CollectOptions,
): Promise<ReportData> {
  const manifest = await readManifest(folder);
  const table = await readTable(folder, manifest, signal);
  const { columns, counts, notes, rows } = table;
  return {
    ...{ format: 'gva-report/1', gva: packageVersion(), madeAt: new Date().toISOString() },
    sweep: describe(folder, manifest, await readStatus(folder)),
    ...{ points: rows, counts, columns, notes },
    failures: await explainFailures(folder, table, signal),
    images: await findImages(folder, table, imageBytes, signal),
  };
}

/** The table of results by columns. */
export async function readTable(
  folder: string,
  { parameters, count }: Pick<SweepManifest, 'parameters' | 'count'>,
  signal: AbortSignal,
): Promise<ReportTable> {
  const table = new TableBuilder(parameters, count);
  for await (const row of readRows(folder)) {
    signal.throwIfAborted();
    table.add(await withStart(folder, row));
  }
  return table.finish();
}

/** Tables of earlier versions do not say when a point began: its result does. */
async function withStart(folder: string, row: ResultRow): Promise<ResultRow> {
  const { gva_started: started, gva_folder: kept, gva_point: point } = row;
  if (typeof started === 'string' || typeof kept !== 'string' || typeof point !== 'number') return row;
  const text = await readFile(join(pointFolder(folder, point), resultFiles.result), 'utf8').catch(() => '');
  // The text was written by GVA; what is not as it should be says nothing.
  const start = /^ {0,4}"startedAt": ?"([-0-9T:.]+Z)"/m.exec(text)?.[1];
  return start === undefined ? row : { ...row, gva_started: start };
}

function describe(folder: string, manifest: SweepManifest, seen: SeenStatus | undefined): ReportedSweep {
  const { appliance, base, vmm, plan, files, parameters, startedAt, continuedAt, gva } = manifest;
  const { state, reason, gathered, name } = seen?.status ?? {};
  return {
    name: name ?? resolve(folder).split('/').at(-1) ?? 'sweep',
    ...{ gva, appliance, base, vmm, plan, files, parameters, startedAt },
    ...(continuedAt === undefined ? {} : { continuedAt }),
    ...(state === undefined ? {} : { state }),
    ...(reason === undefined ? {} : { reason }),
    ...(gathered ? { gathered: gathered.message ?? gathered.state } : {}),
  };
}
