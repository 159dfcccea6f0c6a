import { stat } from 'node:fs/promises';
import { findProgram, runTool } from '../../system/process.js';

/** Bytes of a disk. */
export interface DataRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * Below so many bytes of holes, or where there is more data than holes, reading their zeros (a GiB in 0.1 to 0.8 s) may
 * be quicker than to have dirty pages written first.
 */
const HOLES_WORTH_ASKING = 64 * 1024 * 1024;
/** What a file system may count as allocated beside the extents: its own tree of them. */
const OVERHEAD = { share: 1 / 128, least: 1024 * 1024 };

/**
 * Where a file has data, in order; all else are holes. Undefined where that is not certain or not worth asking:
 * then all of it has to be read. Node has no SEEK_DATA; the kernel's list of extents (FIEMAP) is asked for through
 * e2fsprogs' filefrag, which has dirty pages written first. Extents of any kind count as data.
 */
export async function dataRanges(path: string, signal?: AbortSignal): Promise<DataRange[] | undefined> {
  const { size, blocks } = await stat(path);
  const allocated = blocks * 512;
  if (size - allocated < Math.max(HOLES_WORTH_ASKING, allocated)) return undefined;
  // Such a path could look like a line of the list.
  if (/\p{Cc}/u.test(path)) return undefined;
  if ((await findProgram('filefrag')) === undefined) return undefined;
  try {
    const list = await runTool('filefrag', ['-v', '-s', '-b1', '--', path], signal ? { signal } : {});
    return parseExtents(list.toString('latin1'), { size, allocated });
  } catch {
    signal?.throwIfAborted();
    return undefined; // a file system that has no such list
  }
}

/**
 * The extents that filefrag lists in bytes; undefined unless the list is whole, in order, and accounts for what the
 * file has `allocated`.
 */
export function parseExtents(
  list: string,
  { size, allocated }: { size: number; allocated: number },
): DataRange[] | undefined {
  if (!list.includes(` is ${size} (`)) return undefined;
  const counted = /: (\d+) extents? found\s*$/.exec(list)?.[1];
  const rows = [...list.matchAll(/^ *\d+: +(\d+)\.\. *(\d+): +\d+\.\. *\d+: +\d+:.*$/gm)];
  if (counted === undefined || rows.length !== Number(counted)) return undefined;
  const ranges: DataRange[] = [];
  let end = 0;
  let total = 0;
  for (const [row, first, last] of rows) {
    const offset = Number(first);
    const behind = Number(last) + 1;
    if (!(offset >= end && behind > offset && Number.isSafeInteger(behind))) return undefined;
    if (/\blast\b/.test(row) !== (ranges.length === rows.length - 1)) return undefined;
    ranges.push({ offset, length: behind - offset });
    end = behind;
    total += behind - offset;
  }
  const accounted = total + Math.max(OVERHEAD.least, allocated * OVERHEAD.share) >= allocated;
  return accounted ? withinFile(ranges, size) : undefined;
}

/** The last block of a file ends behind it, as may what is allocated in advance. */
function withinFile(ranges: readonly DataRange[], size: number): DataRange[] {
  return ranges
    .filter(({ offset }) => offset < size)
    .map(({ offset, length }) => ({ offset, length: Math.min(length, size - offset) }));
}
