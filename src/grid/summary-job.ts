import { join } from 'node:path';
import { z } from 'zod';
import { ensureFolder, readTextIfExists, writeFileAtomically } from '../system/files.js';
import { gridFiles } from '../system/paths.js';
import type { GridEngine } from './engine.js';
import type { Fleet } from './fleet.js';
import { newName } from './intent.js';
import type { GridSettings } from './settings.js';

/** Bytes and seconds that are plenty for taking in what jobs have published. */
const [memory, seconds] = [1 << 30, 3600];

/** `array.json` of the summary: it is written before the grid hears of the job. */
const schema = z.object({ format: z.literal('gva-grid-summary/1'), name: z.string() });

/**
 * Submits one job that begins when all others have ended, takes in what they have done, and writes the table. It takes the
 * place of one that an earlier client has submitted.
 *
 * @param sweep absolute path of its folder
 * @returns what the grid calls it
 * @throws what the engine throws
 */
export async function submitSummary(
  sweep: string,
  { engine, name, options, summary = [] }: GridSettings,
  fleet: Fleet,
  signal: AbortSignal,
): Promise<string> {
  await endSummary(sweep, engine, signal);
  const logs = await ensureFolder(folderOf(sweep));
  const after = [...fleet.chunks.values()].flatMap(({ job }) => (job === undefined ? [] : [job]));
  const array = newName(`${name}-summary`);
  await writeFileAtomically(
    join(logs, gridFiles.array),
    JSON.stringify({ format: 'gva-grid-summary/1', name: array }),
  );
  return engine.submit(
    {
      ...{ name: array, elements: 1, command: summary, logs, after },
      ...{ resources: { cpus: 1, memory, seconds }, exclude: [], options },
    },
    signal,
  );
}

/** Ends the last job that an earlier client has submitted, where there is one. @throws GvaError GRID_SILENT */
export async function endSummary(sweep: string, engine: GridEngine, signal: AbortSignal): Promise<void> {
  const text = await readTextIfExists(join(folderOf(sweep), gridFiles.array));
  const name = text === undefined ? undefined : nameIn(text);
  if (name === undefined) return;
  for (const job of await engine.find(name, signal)) await engine.cancel({ job, name }, undefined, signal);
}

const folderOf = (sweep: string) => join(sweep, gridFiles.folder, gridFiles.summary);

/** Undefined where it is of a later version, or damaged: it is only a job that would do no harm. */
function nameIn(text: string): string | undefined {
  try {
    return schema.parse(JSON.parse(text)).name;
  } catch {
    return undefined;
  }
}
