import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { GridPoint } from '../model/grid.js';
import type { IdentityOf } from '../sweep/done-points.js';
import type { PointSource } from '../sweep/plan/points.js';
import type { Point } from '../model/sweep.js';
import type { PointRecord } from '../sweep/store/rows.js';
import type { SweepStore } from '../sweep/store/store.js';
import { gridChunk, gridFiles } from '../system/paths.js';
import { type StoredChunk, closeChunk, listChunks, readChunk } from './chunks.js';
import type { Fleet } from './fleet.js';
import { markCancelled } from './unwanted.js';

const elementSchema = z.object({
  format: z.literal('gva-grid-element/1'),
  points: z.array(
    z.object({
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
  /** What is in it is of the plan as it is. */
  readonly store: SweepStore;
  /** Absent where nobody asks whether the plan has changed. */
  readonly plan?: { readonly points: PointSource; readonly identity: IdentityOf };
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
  const wanted: Point[][] = [];
  const unknown = new Map<number, StoredPoint>();
  const late: StoredPoint[] = [];
  for (let element = 0; element < chunk.intent.points.length; element++) {
    const points: Point[] = [];
    for (const point of await readElement(join(folder, gridFiles.element(element)))) {
      const record = store.get(point.index);
      const foreign = parts.plan && record && record.id !== point.identity;
      if (foreign) await markCancelled(out, chunk.number, point.index);
      else if (isExpected(record, point)) points.push({ index: point.index, parameters: point.parameters });
      else continue;
      if (!record) unknown.set(point.index, point);
      else if (record.attempts < point.attempt) late.push(point);
    }
    wanted.push(points);
  }
  const foreign = await foreignOf(parts, unknown);
  for (const index of foreign) {
    await markCancelled(out, chunk.number, index);
    unknown.delete(index);
  }
  // The client was killed before it had noted down what it had just written.
  store.together(() => {
    for (const { index: number, identity: id, attempt: attempts } of [...late, ...unknown.values()])
      store.put({ number, id, state: 'staged', attempts, status: null, times: null });
  });
  fleet.add(
    chunk,
    foreign.size === 0 ? wanted : wanted.map((points) => points.filter(({ index }) => !foreign.has(index))),
  );
}

/** Those that the plan has no more, or that are other work by now. */
async function foreignOf(
  { plan }: RecoverParts,
  points: ReadonlyMap<number, StoredPoint>,
): Promise<Set<number>> {
  if (!plan || points.size === 0) return new Set();
  const foreign = new Set(points.keys());
  const last = [...foreign].reduce((a, b) => Math.max(a, b));
  for (const point of plan.points.points()) {
    if (point.index > last) break;
    const stored = points.get(point.index);
    if (stored && (await plan.identity(point).catch(() => undefined)) === stored.identity)
      foreign.delete(point.index);
  }
  return foreign;
}

/** It is the latest attempt, and its end is not known. A record of other work is none. */
function isExpected(record: PointRecord | undefined, { identity, attempt }: StoredPoint): boolean {
  if (!record) return true;
  if (record.id !== identity) return false;
  const { attempts, state } = record;
  return attempts < attempt || (attempts === attempt && (state === 'staged' || state === 'running'));
}

/** None where the file cannot be read: who runs the element cannot either. */
async function readElement(file: string): Promise<readonly StoredPoint[]> {
  try {
    return elementSchema.parse(JSON.parse(await readFile(file, 'utf8'))).points;
  } catch {
    return [];
  }
}
