import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { digestFile, digestText, writeFileAtomically } from '../../system/files.js';
import { sweepFiles } from '../../system/paths.js';
import { readCapped } from '../observe/capped.js';

/** `gather.json`: the gather step that came to its end, and of what it was. */
const schema = z.looseObject({
  format: z.literal('gva-gather/1'),
  /** SHA-256 of the step and the table of results. */
  of: z.string(),
  state: z.enum(['done', 'failed']),
  status: z.number().nullable(),
  message: z.string().exactOptional(),
  endedAt: z.string(),
});
export type GatherRecord = z.output<typeof schema>;

const fileOf = (sweep: string) => join(sweep, sweepFiles.gatherRecord);

/** What a step gathers, as a digest. The table changes with every point that ends. @throws where there is no table */
export async function gatherDigest(sweep: string, step: string): Promise<string> {
  return digestText(JSON.stringify([step, await digestFile(join(sweep, sweepFiles.results))]));
}

/** Undefined where there is none that can be read. */
export async function readGatherRecord(sweep: string): Promise<GatherRecord | undefined> {
  try {
    return schema.parse(JSON.parse((await readCapped(fileOf(sweep), 1 << 20)) ?? ''));
  } catch {
    return undefined;
  }
}

export const forgetGatherRecord = (sweep: string) => rm(fileOf(sweep), { force: true });

export async function writeGatherRecord(
  sweep: string,
  record: Pick<GatherRecord, 'of' | 'state' | 'status' | 'message'>,
): Promise<void> {
  const entry = { format: 'gva-gather/1', ...record, endedAt: new Date().toISOString() };
  await writeFileAtomically(fileOf(sweep), `${JSON.stringify(entry, null, 2)}\n`);
}
