import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { GridPoint } from '../model/grid.js';
import type { Point } from '../model/sweep.js';
import type { ConductParts } from '../sweep/conductor.js';
import { gridChunk, gridFiles } from '../system/paths.js';
import { type StoredChunk, closeChunk, listChunks, readChunk } from './chunks.js';
import type { Fleet } from './fleet.js';

const elementSchema = z.looseObject({
  format: z.literal('gva-grid-element/1'),
  points: z.array(
    z.looseObject({
      index: z.int().min(0),
      identity: z.string(),
      parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    }),
  ),
});

type StoredPoint = Pick<GridPoint, 'index' | 'identity' | 'parameters'>;

/**
 * Takes over what an earlier client had meant to submit: points that are the same work as the plan's are expected from
 * the jobs they were given to; those of a changed plan are not.
 *
 * @returns the number of the next chunk
 */
export async function recoverChunks(parts: ConductParts, fleet: Fleet): Promise<number> {
  const { out } = parts.spec;
  const { open, next } = await listChunks(out);
  for (const number of open) {
    const chunk = await readChunk(out, number);
    if (chunk) await takeOver(parts, fleet, chunk);
    // The grid cannot have heard of it.
    else await closeChunk(out, number);
  }
  return next;
}

async function takeOver(parts: ConductParts, fleet: Fleet, chunk: StoredChunk): Promise<void> {
  const folder = gridChunk(parts.spec.out, chunk.number);
  const wanted: Point[][] = [];
  for (let element = 0; element < chunk.intent.points.length; element++) {
    const points = await readElement(join(folder, gridFiles.element(element)));
    wanted.push(await wantedOf(parts, points));
  }
  const { store } = parts;
  store.together(() => {
    for (const { index, id } of wanted.flat().map((point) => ({ index: point.index, id: ids.get(point) })))
      if (id !== undefined && store.get(index)?.id !== id) store.stage(index, id);
  });
  fleet.add(chunk, wanted);
}

/** Identities of the points that are taken over. */
const ids = new WeakMap<Point, string>();

/** Those that are still the work which the plan means, and have no result yet. */
async function wantedOf(
  { store, identity, count }: ConductParts,
  points: readonly StoredPoint[],
): Promise<Point[]> {
  const wanted: Point[] = [];
  for (const { index, identity: id, parameters } of points) {
    const point = { index, parameters };
    const record = store.get(index);
    if (index >= count || (record?.id === id && ended(record.state))) continue;
    if ((await identity(point).catch(() => undefined)) !== id) continue;
    ids.set(point, id);
    wanted.push(point);
  }
  return wanted;
}

const ended = (state: string) => state === 'done' || state === 'failed' || state === 'cancelled';

/** None where the file cannot be read: who runs the element cannot either. */
async function readElement(file: string): Promise<readonly StoredPoint[]> {
  try {
    return elementSchema.parse(JSON.parse(await readFile(file, 'utf8'))).points;
  } catch {
    return [];
  }
}
