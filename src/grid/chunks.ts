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
 * Makes the folder of a new chunk.
 *
 * @param number the first that may be free: a file server shows late what another host has made
 * @returns the number that was
 */
export async function makeChunk(sweep: string, number: number): Promise<number> {
  await ensureFolder(chunksFolder(sweep));
  for (; ; number++)
    try {
      await mkdir(gridChunk(sweep, number));
      await mkdir(join(gridChunk(sweep, number), gridFiles.logs));
      return number;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
}

/**
 * Writes all files of a new chunk; when it returns, the intent to submit it survives a crash of this host. Files of
 * elements are not synced one by one: a worker that finds its own broken says so, and its points are submitted again.
 *
 * @param elements made one by one, as they may be large
 */
export async function writeChunk(
  sweep: string,
  number: number,
  intent: ChunkIntent,
  elements: AsyncIterable<GridElement> | Iterable<GridElement>,
): Promise<void> {
  const folder = gridChunk(sweep, number);
  const writing = new Set<Promise<void>>();
  let element = 0;
  for await (const content of elements) {
    const file = join(folder, gridFiles.element(element++));
    const written = writeFile(file, JSON.stringify(content)).finally(() => writing.delete(written));
    // What it throws is thrown below.
    written.catch(() => undefined);
    writing.add(written);
    // A file server is asked for several at a time.
    if (writing.size >= mostWritten) await Promise.race(writing);
  }
  await Promise.all(writing);
  await writeFileAtomically(join(folder, gridFiles.array), JSON.stringify(intent));
  await syncPath(chunksFolder(sweep));
}

const mostWritten = 8;

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
