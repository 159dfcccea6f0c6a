import type { Point } from '../../model/sweep.js';
import { GvaError } from '../../system/errors.js';
import type { FilePattern } from './file-pattern.js';
import type { MissingFile, PointFiles } from './point-files.js';
import type { PointSource } from './points.js';

/** Points whose files are looked for when a plan is read; those of the others when they run. */
const mostLookedAt = 1000;
/** Files that are told one by one. */
const mostTold = 10;

/** Tells which files of the first points are missing, at the place of the plan that wants them. */
export async function checkFirstFiles(points: PointSource, files: PointFiles): Promise<void> {
  const { missing, more } = await look(points, files, mostLookedAt);
  const among = more ? ` among the first ${mostLookedAt.toLocaleString('en-US')}` : '';
  for (const [pattern, found] of missing) pattern.entry.fail(told(found, among));
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
  const { missing } = await look(points, files, Infinity, signal);
  if (missing.size === 0) return;
  throw new GvaError('PLAN_FILES_MISSING', [...missing.values()].map((found) => told(found, '')).join('\n'));
}

/** The files of one pattern that are missing: their number, and the first of them. */
interface Found {
  count: number;
  readonly first: MissingFile[];
}

async function look(
  points: PointSource,
  files: PointFiles,
  most: number,
  signal?: AbortSignal,
): Promise<{ missing: Map<FilePattern, Found>; more: boolean }> {
  const missing = new Map<FilePattern, Found>();
  let looked = 0;
  for (const point of points.points()) {
    signal?.throwIfAborted();
    if (looked >= most) return { missing, more: true };
    looked++;
    for (const file of await files.missing(point)) {
      const found = missing.get(file.pattern) ?? { count: 0, first: [] };
      missing.set(file.pattern, found);
      if (found.count++ < mostTold) found.first.push(file);
    }
    // Once: what is wrong with the names is wrong with those of all points.
    if (looked === 1 && missing.size === 0) await checkNames(files, point);
    if (!files.perPoint) break;
  }
  return { missing, more: false };
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
  const rest = count > first.length ? `\n  and ${(count - first.length).toLocaleString('en-US')} more` : '';
  const points =
    count === 1 ? 'the file of 1 point is' : `the files of ${count.toLocaleString('en-US')} points are`;
  return `${points} missing${among}:${lines.join('')}${rest}`;
}
