import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PointOutcome } from '../model/sweep.js';
import { outcomeOf, parseResult } from '../sweep/done-points.js';
import { readKeptData } from '../sweep/results/kept.js';
import type { PointRecord } from '../sweep/store/rows.js';
import { pointFolder, resultFiles } from '../system/paths.js';

/** A result that is there. */
export interface Arrived {
  readonly point: number;
  readonly outcome: PointOutcome;
  readonly data?: PointRecord['data'];
}

/** `any`: another job's result, of which this one's worker knows only that it is there. */
export type AwaitedState = 'done' | 'failed' | 'any';

/**
 * Results that a worker has announced: they count when this host sees them, which a file server may let it do later.
 */
export class Arrivals {
  readonly #sweep: string;
  readonly #patience: number;
  readonly #expected = new Map<number, { readonly state: AwaitedState; readonly until: number }>();

  /** @param patience seconds for which an announced result is waited for */
  constructor(sweep: string, patience: number) {
    this.#sweep = sweep;
    this.#patience = patience;
  }

  get size(): number {
    return this.#expected.size;
  }

  has(point: number): boolean {
    return this.#expected.has(point);
  }

  /** @param state of the result: that of an earlier attempt may still be seen in its place */
  expect(point: number, state: AwaitedState, now: number): void {
    if (!this.#expected.has(point)) this.#expected.set(point, { state, until: now + this.#patience });
  }

  /** The point is not to be waited for any more. */
  forget(point: number): void {
    this.#expected.delete(point);
  }

  /**
   * Those that have come by now, and the points whose results have not come in time.
   *
   * @param idOf the identity that the result of a point is to have
   */
  async look(
    now: number,
    idOf: (point: number) => string | undefined,
  ): Promise<{ here: Arrived[]; missing: number[] }> {
    const here: Arrived[] = [];
    const missing: number[] = [];
    for (const [point, { state, until }] of this.#expected) {
      const arrived = await readArrived(this.#sweep, point, idOf(point));
      if (arrived && (state === 'any' || arrived.outcome.state === state)) here.push(arrived);
      else if (now > until) missing.push(point);
      else continue;
      this.#expected.delete(point);
    }
    return { here, missing };
  }
}

/** The result of that work at a point's place, if it is there. */
export async function readArrived(
  sweep: string,
  point: number,
  id: string | undefined,
): Promise<Arrived | undefined> {
  const folder = pointFolder(sweep, point);
  const text = await readFile(join(folder, resultFiles.result), 'utf8').catch(() => undefined);
  const result = text === undefined ? undefined : parseResult(text);
  if (id === undefined || result?.identity !== id) return undefined;
  const outcome = outcomeOf(result);
  if (outcome.state !== 'done') return { point, outcome };
  return { point, outcome, data: await readKeptData(folder) };
}
