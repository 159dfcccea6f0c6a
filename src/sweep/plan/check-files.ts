import { setTimeout as sleep } from 'node:timers/promises';
import type { Point } from '../../model/sweep.js';
import { GvaError } from '../../system/errors.js';
import type { FilePattern } from './file-pattern.js';
import type { MissingFile, PointFiles } from './point-files.js';
import type { PointSource } from './points.js';

/** Points whose files are looked for when a plan is read; those of the others beside the sweep. */
const mostLookedAt = 1000;
/** Files that are told one by one. */
const mostTold = 10;
/** Seconds for which a search may find more before it tells what it has found. */
const longestSilence = 5;
/** Milliseconds of looking, beside a sweep, after which it pauses four times as long. */
const turn = 20;

type Tell = (message: string) => void;

/** Tells which files of the first points are missing, at the place of the plan that wants them. */
export async function checkFirstFiles(points: PointSource, files: PointFiles): Promise<void> {
  const search = new Search(points, files);
  const more = await search.run({ most: mostLookedAt });
  const among = more ? ` among the first ${grouped(mostLookedAt)}` : '';
  for (const [pattern, found] of search.missing) pattern.entry.fail(told(found, among));
}

/**
 * Looks for the files of all points.
 *
 * @throws GvaError PLAN_FILES_MISSING with some of them, and the number of all
 */
export async function checkFiles(
  points: PointSource,
  files: PointFiles,
  signal?: AbortSignal,
): Promise<void> {
  const search = new Search(points, files);
  await search.run({ signal });
  if (search.missing.size === 0) return;
  throw new GvaError('PLAN_FILES_MISSING', search.text(''));
}

/**
 * Looks, ahead of a sweep that runs, for the files of the points that `checkFirstFiles()` has left out, in about a fifth of
 * one CPU's time. What is missing is told in one message; if the search takes long, also as soon as something was found.
 * Ends early, and quietly, with the signal, and where the points cannot be had: who runs them will notice.
 *
 * @param silence seconds between the first file that is found missing and the telling, at most
 */
export async function checkLaterFiles(
  points: PointSource,
  files: PointFiles,
  signal: AbortSignal,
  tell: Tell,
  silence = longestSilence,
): Promise<void> {
  if (!files.perPoint) return;
  const search = new Search(points, files, mostLookedAt);
  let since: number | undefined;
  let toldSoFar = 0;
  const onPoint = (index: number) => {
    if (search.count === 0 || toldSoFar > 0) return;
    since ??= performance.now();
    if (performance.now() - since < silence * 1000) return;
    toldSoFar = search.count;
    tell(search.text(` among the points up to ${grouped(index)}; these will fail`));
  };
  try {
    await search.run({ signal, gentle: true, onPoint });
  } catch (error) {
    if (!signal.aborted && !(error instanceof GvaError)) throw error;
    return;
  }
  if (search.count > toldSoFar) tell(search.text('; these will fail'));
}

/** The files of one pattern that are missing: their number, and the first of them. */
interface Found {
  count: number;
  readonly first: MissingFile[];
}

interface SearchOptions {
  readonly most?: number;
  readonly signal?: AbortSignal | undefined;
  /** Leaves time to others. */
  readonly gentle?: boolean;
  readonly onPoint?: (index: number) => void;
}

class Search {
  readonly missing = new Map<FilePattern, Found>();
  readonly #points: PointSource;
  readonly #files: PointFiles;
  readonly #from: number;

  /** @param from number of the first point */
  constructor(points: PointSource, files: PointFiles, from = 0) {
    this.#points = points;
    this.#files = files;
    this.#from = from;
  }

  /** Files that were found to be missing. */
  get count(): number {
    return [...this.missing.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** @returns whether there are more points */
  async run({ most = Infinity, signal, gentle, onPoint }: SearchOptions): Promise<boolean> {
    const end = this.#from + most;
    let began = performance.now();
    for (const point of this.#points.points(this.#from)) {
      signal?.throwIfAborted();
      if (point.index >= end) return true;
      await this.#look(point);
      onPoint?.(point.index);
      // Once: what is wrong with the names is wrong with those of all points.
      if (point.index === 0 && this.missing.size === 0) await checkNames(this.#files, point);
      if (!this.#files.perPoint) break;
      const spent = performance.now() - began;
      if (!gentle || spent < turn) continue;
      await sleep(4 * spent, undefined, { signal });
      began = performance.now();
    }
    return false;
  }

  async #look(point: Point): Promise<void> {
    for (const file of await this.#files.missing(point)) {
      const found = this.missing.get(file.pattern) ?? { count: 0, first: [] };
      this.missing.set(file.pattern, found);
      if (found.count++ < mostTold) found.first.push(file);
    }
  }

  /** @param among which points, or what becomes of them */
  text(among: string): string {
    return [...this.missing.values()].map((found) => told(found, among)).join('\n');
  }
}

async function checkNames(files: PointFiles, point: Point): Promise<void> {
  try {
    await files.of(point);
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    throw new GvaError('PLAN_INVALID', `point ${point.index}: ${error.message}`, { cause: error });
  }
}

function told({ count, first }: Found, among: string): string {
  const lines = first.map(
    ({ point, source, problem }) =>
      `\n  point ${point.index}: ${source === '' ? '' : `${source}: `}${problem}`,
  );
  const rest = count > first.length ? `\n  and ${grouped(count - first.length)} more` : '';
  const points = count === 1 ? 'the file of 1 point is' : `the files of ${grouped(count)} points are`;
  return `${points} missing${among}:${lines.join('')}${rest}`;
}

const grouped = (count: number) => count.toLocaleString('en-US');
