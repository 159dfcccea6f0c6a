import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { GridPoint } from '../model/grid.js';
import type { Point } from '../model/sweep.js';
import type { SweepStore } from '../sweep/store/store.js';
import { gridChunk, gridFiles } from '../system/paths.js';
import { type StoredChunk, closeChunk, listChunks, readChunk } from './chunks.js';
import type { Fleet } from './fleet.js';
import { markCancelled } from './follower.js';

const elementSchema = z.looseObject({
  format: z.literal('gva-grid-element/1'),
  points: z.array(
    z.looseObject({
      index: z.int().min(0),
      attempt: z.int().min(1),
      identity: z.string(),
      parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    }),
  ),
});

type StoredPoint = Pick<GridPoint, 'index' | 'attempt' | 'identity' | 'parameters'>;

export interface RecoverParts {
  /** Absolute path of the sweep's folder. */
  readonly out: string;
  readonly store: SweepStore;
  /** Whether the plan means this very work; undefined: nobody asks, and it is the plan by which it was submitted. */
  readonly isMeant?: (point: Point, identity: string) => Promise<boolean>;
}

/**
 * Takes over what an earlier client had meant to submit: points that are the same work as the plan's, and whose latest
 * attempt it is, are expected from the jobs they were given to. Those of a changed plan are not, and workers are told.
 *
 * @returns the number of the next chunk
 * @throws GvaError GRID_UNREADABLE
 */
export async function recoverChunks(parts: RecoverParts, fleet: Fleet): Promise<number> {
  const { open, next } = await listChunks(parts.out);
  for (const number of open) {
    const chunk = await readChunk(parts.out, number);
    if (chunk) await takeOver(parts, fleet, chunk);
    // The grid cannot have heard of it.
    else await closeChunk(parts.out, number);
  }
  return next;
}

async function takeOver(parts: RecoverParts, fleet: Fleet, chunk: StoredChunk): Promise<void> {
  const { out, store } = parts;
  const folder = gridChunk(out, chunk.number);
  const wanted: StoredPoint[][] = [];
  for (let element = 0; element < chunk.intent.points.length; element++) {
    const kept: StoredPoint[] = [];
    for (const point of await readElement(join(folder, gridFiles.element(element)))) {
      const { index, parameters, identity } = point;
      const meant = await parts.isMeant?.({ index, parameters }, identity);
      if (meant === false) await markCancelled(out, chunk.number, index);
      else if (isExpected(store, point)) kept.push(point);
    }
    wanted.push(kept);
  }
  store.together(() => {
    for (const { index: number, identity: id, attempt: attempts } of wanted.flat())
      if (store.get(number)?.attempts !== attempts)
        store.put({ number, id, state: 'staged', attempts, status: null, times: null });
  });
  fleet.add(
    chunk,
    wanted.map((points) => points.map(({ index, parameters }) => ({ index, parameters }))),
  );
}

/** It is the latest attempt, and its end is not known. */
function isExpected(store: SweepStore, { index, identity, attempt }: StoredPoint): boolean {
  const record = store.get(index);
  // The client was killed before it had noted down what it had just written.
  if (!record || (record.id === identity && record.attempts < attempt)) return true;
  const { id, attempts, state } = record;
  return id === identity && attempts === attempt && (state === 'staged' || state === 'running');
}

/** None where the file cannot be read: who runs the element cannot either. */
async function readElement(file: string): Promise<readonly StoredPoint[]> {
  try {
    return elementSchema.parse(JSON.parse(await readFile(file, 'utf8'))).points;
  } catch {
    return [];
  }
}
