import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GvaError, messageOf } from '../system/errors.js';
import { gridChunk, gridFiles } from '../system/paths.js';
import type { Arrivals } from './arrivals.js';
import type { LiveElement } from './fleet.js';
import { type FollowParts, patience } from './follow-parts.js';

interface Wanted {
  /** All is to end. */
  readonly ending: boolean;
  readonly now: number;
}

/** Asks the grid to end what nobody wants any more. @throws GvaError GRID_SILENT */
export async function endUnwanted(
  { engine, fleet, signal, patience: usual }: FollowParts,
  { ending, now }: Wanted,
): Promise<void> {
  for (const { job, intent, elements } of fleet.chunks.values()) {
    const due = [...elements.values()].filter((element) => isUnwanted(element, { ending, now }, usual));
    if (job === undefined || due.length === 0) continue;
    const all = due.length === elements.size && ending;
    const numbers = all ? undefined : due.map(({ number }) => number);
    await engine.cancel({ job, name: intent.name }, numbers, signal);
    for (const element of due) element.cancelledAt = now;
  }
}

function isUnwanted(element: LiveElement, { ending, now }: Wanted, usual: number | undefined): boolean {
  const { cancelledAt, idleSince, unwanted, state, overSince, open } = element;
  const asked = cancelledAt !== undefined && now - cancelledAt < (usual ?? patience.cancel);
  if (overSince !== undefined || asked) return false;
  if (ending || unwanted) return true;
  if (open.size > 0) return false;
  // One that runs is about to end by itself, unless its points were done elsewhere.
  return state === 'pending' || (idleSince !== undefined && now - idleSince >= (usual ?? patience.record));
}

/** Somebody has cancelled these points: what runs is to be ended, and what does not is not begun. */
export async function cancelPoints(
  { fleet, ends, sweep }: Pick<FollowParts, 'fleet' | 'ends' | 'sweep'>,
  arrivals: Arrivals,
  now: number,
  points: ReadonlySet<number>,
): Promise<void> {
  for (const index of points) {
    const element = fleet.of(index);
    if (!element) continue;
    element.unwanted ||= element.begun.has(index);
    await markCancelled(sweep.out, element.chunk.number, index);
    arrivals.forget(index);
    const point = fleet.close(index);
    if (point) ends.cancelled(now, point);
  }
}

/** Keeps workers from beginning a point, and from publishing its results. @throws GvaError SWEEP_UNWRITABLE */
export async function markCancelled(sweep: string, chunk: number, point: number): Promise<void> {
  const file = join(gridChunk(sweep, chunk), gridFiles.cancelled(point));
  await writeFile(file, '').catch((error: unknown) => {
    throw new GvaError('SWEEP_UNWRITABLE', `cannot write ${file}: ${messageOf(error)}`, { cause: error });
  });
}
