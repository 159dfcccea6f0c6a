import { GvaError } from '../../system/errors.js';
import type { Report } from '../findings.js';
import type { Inode } from './inode.js';
import { claimNode, type Run } from './runs.js';
import type { Volume } from './volume.js';

const DIRECT = 12;

interface Walk {
  volume: Volume;
  report: Report;
  visited: Set<number>;
  /** Blocks that the file's size calls for: what is mapped behind them is of no interest. */
  end: number;
}

/**
 * Walks the block map of ext2 and ext3: 12 direct pointers, then one each that is singly, doubly and triply
 * indirect (kernel Documentation/filesystems/ext4/blockmap.rst). No indirect block is visited twice.
 */
export async function* indirectRuns(volume: Volume, inode: Inode, report: Report): AsyncGenerator<Run[]> {
  const walk: Walk = { volume, report, visited: new Set(), end: Math.ceil(inode.size / volume.blockSize) };
  yield pointerRuns(walk, inode.map.subarray(0, 4 * DIRECT), 0);
  const perBlock = volume.blockSize / 4;
  let logical = DIRECT;
  for (let depth = 1; depth <= 3 && logical < walk.end; depth += 1) {
    yield* visit(walk, inode.map.readUInt32LE(4 * (DIRECT + depth - 1)), depth, logical);
    logical += perBlock ** depth;
  }
}

async function* visit(walk: Walk, block: number, depth: number, logical: number): AsyncGenerator<Run[]> {
  const pointers = await readPointers(walk, block);
  if (!pointers || depth === 1) {
    yield pointers ? pointerRuns(walk, pointers, logical) : [];
    return;
  }
  const covered = (walk.volume.blockSize / 4) ** (depth - 1);
  for (let index = 0; index * 4 < pointers.length && logical + index * covered < walk.end; index += 1) {
    const child = pointers.readUInt32LE(4 * index);
    if (child !== 0) yield* visit(walk, child, depth - 1, logical + index * covered);
  }
}

/** A block of pointers; undefined for a hole and for one that cannot be used. */
async function readPointers(walk: Walk, block: number): Promise<Buffer | undefined> {
  if (block === 0) return undefined;
  if (!claimNode(walk.visited, block)) {
    walk.report('EXT4_BLOCK_MAP', `the indirect block ${block} is used twice: its part of the file is lost`);
    return undefined;
  }
  try {
    return await walk.volume.readBlock(block);
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    walk.report(error.code, error.message);
    return undefined;
  }
}

function pointerRuns(walk: Walk, pointers: Buffer, logical: number): Run[] {
  const runs: Run[] = [];
  let last: Run | undefined;
  let outside = 0;
  for (let index = 0; index * 4 < pointers.length && logical + index < walk.end; index += 1) {
    const physical = pointers.readUInt32LE(4 * index);
    if (physical === 0) continue;
    if (walk.volume.readable(physical, 1) === 0) {
      outside += 1;
    } else if (
      last &&
      last.physical + last.count === physical &&
      last.logical + last.count === logical + index
    ) {
      last.count += 1;
    } else {
      last = { logical: logical + index, physical, count: 1 };
      runs.push(last);
    }
  }
  if (outside > 0)
    walk.report('EXT4_BLOCK_RANGE', `${outside} blocks of the file are outside the file system`);
  return runs;
}
