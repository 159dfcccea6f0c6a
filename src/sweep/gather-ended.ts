import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { removeAbandoned } from '../instance/scratch.js';
import type { Gathered, SweepManifest } from '../model/sweep.js';
import { GvaError } from '../system/errors.js';
import { publishFile, readTextIfExists } from '../system/files.js';
import { scratchFolder, sweepFiles } from '../system/paths.js';
import { type GatherStep, gather } from './gather.js';
import { parseSweepManifest } from './manifest.js';
import { noResults } from './observe/rows.js';
import { readStatus } from './observe/status.js';
import { openSweepFolder } from './sweep-folder.js';

/**
 * Runs a gather step on the results of a sweep that nobody runs, whether it was run on them before or not, and notes in
 * its status how it ended.
 *
 * @param stepOf is told what is known of the sweep
 * @throws GvaError SWEEP_UNREADABLE, SWEEP_IN_USE, RESULTS_MISSING; the signal's reason
 */
export async function gatherEnded(
  folder: string,
  stepOf: (manifest: SweepManifest) => Promise<GatherStep>,
  signal: AbortSignal,
): Promise<Gathered> {
  const text = await readTextIfExists(join(folder, sweepFiles.sweep)).catch(() => undefined);
  const manifest = text === undefined ? undefined : parseSweepManifest(text);
  if (!manifest)
    throw new GvaError('SWEEP_UNREADABLE', `${folder} is no sweep's folder: it has no ${sweepFiles.sweep}`);
  await using opened = await openSweepFolder(resolve(folder), manifest.appliance.name);
  const table = join(folder, sweepFiles.results);
  if (!existsSync(table)) throw noResults(table);
  const step = await stepOf(manifest);
  await removeAbandoned(scratchFolder());
  const gathered = await gather(opened.folder, step, signal);
  await noteInStatus(opened.folder, { ...gathered, log: sweepFiles.gatherLog });
  return gathered;
}

/** A sweep without a status stays without one. */
async function noteInStatus(folder: string, gathered: Gathered): Promise<void> {
  const seen = await readStatus(folder).catch(() => undefined);
  if (!seen) return;
  await publishFile(join(folder, sweepFiles.status), (temporary) =>
    writeFile(temporary, JSON.stringify({ ...seen.status, gathered }), { flag: 'wx' }),
  );
}
