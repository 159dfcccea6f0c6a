import type { Point } from '../model/sweep.js';
import { closeChunk, writeSubmitted } from './chunks.js';
import type { GridEngine } from './engine.js';
import type { Fleet, LiveChunk } from './fleet.js';

/** Times that an uncertain array is looked for in vain, and seconds, before it is taken for not submitted. */
const [mostMisses, longestSearch] = [3, 60];

export interface UncertainParts {
  readonly engine: GridEngine;
  readonly fleet: Fleet;
  /** Absolute path of the sweep's folder. */
  readonly sweep: string;
  /** Seconds instead of the usual ones. */
  readonly patience: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * Looks for one array of which it is not certain that the grid has it, by its name. One that is not there after a while
 * was not submitted, unless a worker of it has been heard.
 *
 * @returns a chunk that is to be submitted again
 * @throws GvaError GRID_SILENT
 */
export async function findUncertain(parts: UncertainParts, now: number): Promise<LiveChunk | undefined> {
  const { engine, fleet, sweep, patience = longestSearch, signal } = parts;
  const [chunk] = fleet.uncertain;
  if (!chunk) return undefined;
  const [job, ...more] = await engine.find(chunk.intent.name, signal);
  if (job !== undefined) {
    chunk.job = job;
    await writeSubmitted(sweep, chunk.number, job);
    await endAll(engine, chunk, more, signal);
    return undefined;
  }
  chunk.missedSince ??= now;
  if (++chunk.misses < mostMisses || now - chunk.missedSince < patience) return undefined;
  const elements = [...chunk.elements.values()];
  const heard = elements.find((element) => element.job !== undefined)?.job;
  if (heard !== undefined) {
    chunk.job = heard.replace(/_\d+$/, '');
    await writeSubmitted(sweep, chunk.number, chunk.job);
    return undefined;
  }
  if (elements.some(({ open }) => open.size > 0)) return chunk;
  await dropChunk(parts, chunk);
  return undefined;
}

/** The grid has never had it, and is not to get it any more. @returns its points without an end */
export async function dropChunk(
  { fleet, sweep }: Pick<UncertainParts, 'fleet' | 'sweep'>,
  chunk: LiveChunk,
): Promise<Point[]> {
  const elements = [...chunk.elements.values()];
  for (const element of elements) fleet.settle(element);
  await closeChunk(sweep, chunk.number);
  return elements.flatMap(({ open }) => [...open.values()]);
}

/** Of an array that was submitted twice, one is enough: points that both run would be run for nothing. */
export async function endRepeated({ engine, fleet, signal }: UncertainParts): Promise<void> {
  for (const chunk of fleet.chunks.values()) {
    if (!chunk.repeated || chunk.job === undefined) continue;
    const jobs = await engine.find(chunk.intent.name, signal);
    chunk.repeated = false;
    const others = jobs.filter((job) => job !== chunk.job);
    await endAll(engine, chunk, others, signal);
  }
}

async function endAll(
  engine: GridEngine,
  { intent: { name } }: LiveChunk,
  jobs: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (const job of jobs) await engine.cancel({ job, name }, undefined, signal);
}
