import { join } from 'node:path';
import type { SweepManifest } from '../../model/sweep.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { sweepFiles } from '../../system/paths.js';
import { parseSweepManifest } from '../manifest.js';
import { readCapped } from './capped.js';

/** Bytes; the text of a plan is in it. */
const longestManifest = 256 << 20;

/** What the points of a sweep have in common. @throws GvaError SWEEP_UNREADABLE */
export async function readManifest(folder: string): Promise<SweepManifest> {
  const file = join(folder, sweepFiles.sweep);
  const text = await readCapped(file, longestManifest).catch((error: unknown) => {
    throw new GvaError('SWEEP_UNREADABLE', `cannot read ${file}: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      cause: error,
    });
  });
  const manifest = text === undefined ? undefined : parseSweepManifest(text);
  if (manifest) return manifest;
  throw new GvaError('SWEEP_UNREADABLE', `${file} is not of a sweep, or of a later version of GVA`);
}
