import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { GridPoint } from '../model/grid.js';
import type { IdentityOf } from '../sweep/done-points.js';
import type { PointSource } from '../sweep/plan/points.js';
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
  const elements: (readonly StoredPoint[])[] = [];
  for (let element = 0; element < chunk.intent.points.length; element++)
    elements.push(await readElement(join(folder, gridFiles.element(element))));
  const foreign = await foreignOf(parts, elements.flat());
  for (const { index } of foreign) await markCancelled(out, chunk.number, index);
  const wanted = elements.map((points) =>
    points.filter((point) => !foreign.has(point) && isExpected(store, point)),
  );
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

/** Points that the plan has no more, or that are other work by now. */
async function foreignOf(
  { store, plan }: RecoverParts,
  points: readonly StoredPoint[],
): Promise<Set<StoredPoint>> {
  const foreign = new Set<StoredPoint>();
  if (!plan) return foreign;
  const unknown: StoredPoint[] = [];
  for (const point of points) {
    const id = store.get(point.index)?.id;
    if (id === undefined) unknown.push(point);
    else if (id !== point.identity) foreign.add(point);
  }
  if (unknown.length === 0) return foreign;
  unknown.sort((a, b) => a.index - b.index);
  const meant = plan.points.points()[Symbol.iterator]();
  let next = meant.next();
  for (const point of unknown) {
    while (!next.done && next.value.index < point.index) next = meant.next();
    const same = !next.done && next.value.index === point.index ? next.value : undefined;
    const id = same && (await plan.identity(same).catch(() => undefined));
    if (id !== point.identity) foreign.add(point);
  }
  return foreign;
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
