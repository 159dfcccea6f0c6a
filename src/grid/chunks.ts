import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { GridElement } from '../model/grid.js';
import { ExitCode, GvaError, errnoOf, messageOf } from '../system/errors.js';
import { ensureFolder, syncPath, writeFileAtomically } from '../system/files.js';
import { gridChunk, gridFiles } from '../system/paths.js';

const words = z.array(z.string());
const index = z.int().min(0);

/** `array.json`: one array of jobs as it was meant, before the grid heard of it. */
const schema = z.object({
  format: z.literal('gva-grid-array/1'),
  /** Unique among all arrays of the user. */
  name: z.string().regex(/^[\w.-]{1,200}$/),
  /** Of each element: the numbers of its points. */
  points: z.array(z.array(index)),
  resources: z.object({ cpus: z.int(), memory: z.number(), seconds: z.number().exactOptional() }),
  atOnce: z.int().min(1).exactOptional(),
  exclude: words,
  options: z.object({
    partition: z.string().exactOptional(),
    account: z.string().exactOptional(),
    qos: z.string().exactOptional(),
    constraint: z.string().exactOptional(),
    extra: words.exactOptional(),
    setup: z.string().exactOptional(),
  }),
  at: z.string(),
});

export type ChunkIntent = z.infer<typeof schema>;

/** A chunk as its folder tells of it. */
export interface StoredChunk {
  readonly number: number;
  readonly intent: ChunkIntent;
  /** What the grid calls it; undefined where that is not known (yet). */
  readonly job: string | undefined;
}

/** Numbers of all chunks that may still have something to come, in order, and the first number that is free. */
export async function listChunks(sweep: string): Promise<{ open: number[]; next: number }> {
  const names = await readdir(chunksFolder(sweep)).catch(() => []);
  const numbers = names.flatMap((name) => (/^c\d{4,}$/.test(name) ? [Number(name.slice(1))] : []));
  const open = numbers.filter((number) => !existsSync(join(gridChunk(sweep, number), gridFiles.over)));
  return { open: open.sort((a, b) => a - b), next: Math.max(0, ...numbers) + 1 };
}

/**
 * Writes all files of a new chunk; when it returns, the intent to submit it survives a crash of this host. Files of
 * elements are not synced one by one: a worker that finds its own broken says so, and its points are submitted again.
 *
 * @returns false where there is a chunk of that number already
 */
export async function writeChunk(
  sweep: string,
  number: number,
  intent: ChunkIntent,
  elements: readonly GridElement[],
): Promise<boolean> {
  const folder = gridChunk(sweep, number);
  await ensureFolder(chunksFolder(sweep));
  if (!(await makeNew(folder))) return false;
  await mkdir(join(folder, gridFiles.logs));
  const writeNext = async (iterator: ArrayIterator<[number, GridElement]>) => {
    for (const [element, content] of iterator)
      await writeFile(join(folder, gridFiles.element(element)), JSON.stringify(content));
  };
  const iterator = elements.entries();
  // A file server is asked for several at a time.
  await Promise.all(Array.from({ length: writers }, () => writeNext(iterator)));
  await writeFileAtomically(join(folder, gridFiles.array), JSON.stringify(intent));
  await syncPath(chunksFolder(sweep));
  return true;
}

const writers = 8;

async function makeNew(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

export const writeSubmitted = (sweep: string, number: number, job: string) =>
  writeFileAtomically(
    join(gridChunk(sweep, number), gridFiles.submitted),
    JSON.stringify({ format: 'gva-grid-submitted/1', job }),
  );

export const closeChunk = (sweep: string, number: number) =>
  writeFile(join(gridChunk(sweep, number), gridFiles.over), '');

/**
 * Undefined where there is no intent: the chunk was given up before the grid could hear of it.
 *
 * @throws GvaError GRID_UNREADABLE
 */
export async function readChunk(sweep: string, number: number): Promise<StoredChunk | undefined> {
  const folder = gridChunk(sweep, number);
  const file = join(folder, gridFiles.array);
  if (!existsSync(file)) return undefined;
  try {
    const intent = schema.parse(JSON.parse(await readFile(file, 'utf8')));
    const submitted = await readFile(join(folder, gridFiles.submitted), 'utf8').catch(() => undefined);
    const job = submitted === undefined ? undefined : submittedSchema.parse(JSON.parse(submitted)).job;
    return { number, intent, job };
  } catch (error) {
    throw new GvaError('GRID_UNREADABLE', `cannot read ${file}: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'It is damaged, or of a later version of GVA. Nothing was changed.',
      cause: error,
    });
  }
}

const chunksFolder = (sweep: string) => join(sweep, gridFiles.folder, gridFiles.chunks);

const submittedSchema = z.object({
  format: z.literal('gva-grid-submitted/1'),
  job: z.string().regex(/^[\w.-]+$/),
});
