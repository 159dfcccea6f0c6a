import { join } from 'node:path';
import type { SweepSpec } from '../sweep/run-sweep.js';
import { ensureFolder } from '../system/files.js';
import { gridFiles } from '../system/paths.js';
import type { Fleet } from './fleet.js';
import { newName } from './intent.js';
import type { GridSettings } from './settings.js';

/** Bytes and seconds that are plenty for taking in what jobs have published. */
const [memory, seconds] = [1 << 30, 3600];

/**
 * Submits one job that begins when all others have ended, takes in what they have done, and writes the table.
 *
 * @returns what the grid calls it
 * @throws what the engine throws
 */
export async function submitSummary(
  { out }: Pick<SweepSpec, 'out'>,
  { engine, name, options, summary = [] }: GridSettings,
  fleet: Fleet,
  signal: AbortSignal,
): Promise<string> {
  const logs = await ensureFolder(join(out, gridFiles.folder, gridFiles.summary));
  const after = [...fleet.chunks.values()].flatMap(({ job }) => (job === undefined ? [] : [job]));
  return engine.submit(
    {
      ...{ name: newName(`${name}-summary`), elements: 1, command: summary, logs, after },
      ...{ resources: { cpus: 1, memory, seconds }, exclude: [], options },
    },
    signal,
  );
}
