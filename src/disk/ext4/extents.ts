import { GvaError } from '../../system/errors.js';
import type { Report } from '../findings.js';
import { crc32c } from './checksum.js';
import type { Inode } from './inode.js';
import { claimNode, type Run } from './runs.js';
import type { Volume } from './volume.js';

const MAGIC = 0xf30a;
const HEADER = 12;
const ENTRY = 12;
const MAX_DEPTH = 5;
/** A length above this marks an extent that is allocated but not written: it reads as zeros. */
const MAX_WRITTEN = 32768;
/** Logical block numbers have 32 bits. */
const END_OF_FILE = 2 ** 32;

/** A node of the tree: where it is, and the logical blocks that its parent gives it. */
interface Node {
  bytes: Buffer;
  depth: number;
  from: number;
  to: number;
}

/**
 * Walks an extent tree (kernel Documentation/filesystems/ext4/ifork.rst). An extent that overlaps one before
 * it keeps only what lies behind that; one that runs backwards, is empty, or leaves its parent's range or the
 * image is dropped as far as it does. No node is visited twice, so a tree costs at most its blocks.
 */
export async function* extentRuns(volume: Volume, inode: Inode, report: Report): AsyncGenerator<Run[]> {
  const walk: Walk = { volume, inode, report, visited: new Set(), next: 0 };
  const depth = inode.map.readUInt16LE(6);
  if (depth > MAX_DEPTH) {
    report('EXT4_EXTENT', `an extent tree of depth ${depth}`);
    return;
  }
  yield* visit(walk, { bytes: inode.map, depth, from: 0, to: END_OF_FILE });
}

interface Walk {
  volume: Volume;
  inode: Inode;
  report: Report;
  visited: Set<number>;
  /** First logical block that no extent has claimed yet. */
  next: number;
}

async function* visit(walk: Walk, node: Node): AsyncGenerator<Run[]> {
  const entries = checkedEntries(walk, node);
  if (node.depth === 0) {
    yield leafRuns(walk, node, entries);
    return;
  }
  for (let index = 0; index < entries; index += 1) {
    const child = await readChild(walk, node, index, entries);
    if (child) yield* visit(walk, child);
    else yield [];
  }
}

/** The number of entries of a node, 0 where its header cannot be right. */
function checkedEntries({ report }: Walk, { bytes, depth }: Node): number {
  const entries = bytes.readUInt16LE(2);
  const max = bytes.readUInt16LE(4);
  const room = Math.floor((bytes.length - HEADER) / ENTRY);
  if (bytes.readUInt16LE(0) !== MAGIC || bytes.readUInt16LE(6) !== depth || max > room || entries > max) {
    report('EXT4_EXTENT', 'a node of the extent tree is not valid: its part of the file is lost');
    return 0;
  }
  return entries;
}

function leafRuns(walk: Walk, node: Node, entries: number): Run[] {
  const runs: Run[] = [];
  for (let index = 0; index < entries; index += 1) {
    const at = HEADER + index * ENTRY;
    const length = node.bytes.readUInt16LE(at + 4);
    const written = length <= MAX_WRITTEN;
    const extent = {
      logical: node.bytes.readUInt32LE(at),
      physical: node.bytes.readUInt16LE(at + 6) * 2 ** 32 + node.bytes.readUInt32LE(at + 8),
      count: written ? length : length - MAX_WRITTEN,
    };
    const run = claim(walk, node, extent);
    if (run && written) clipToImage(walk, run, runs);
  }
  return runs;
}

/** The part of an extent that is in its place and claimed by no extent before it. */
function claim(walk: Walk, node: Node, extent: Run): Run | undefined {
  const start = Math.max(extent.logical, walk.next, node.from);
  const end = Math.min(extent.logical + extent.count, node.to);
  if (start !== extent.logical || end !== extent.logical + extent.count || extent.count === 0) {
    walk.report(
      'EXT4_EXTENT',
      `the extent of blocks ${extent.logical}+${extent.count} overlaps, runs backwards or is out of place`,
    );
  }
  if (start >= end) return undefined;
  walk.next = end;
  return { logical: start, physical: extent.physical + (start - extent.logical), count: end - start };
}

function clipToImage({ volume, report }: Walk, run: Run, runs: Run[]): void {
  const count = volume.readable(run.physical, run.count);
  if (count < run.count) {
    report('EXT4_BLOCK_RANGE', `blocks ${run.physical}+${run.count} of the file are outside the file system`);
  }
  if (count > 0) runs.push({ ...run, count });
}

async function readChild(walk: Walk, node: Node, index: number, entries: number): Promise<Node | undefined> {
  const at = HEADER + index * ENTRY;
  const from = node.bytes.readUInt32LE(at);
  const to = index + 1 < entries ? Math.min(node.to, node.bytes.readUInt32LE(at + ENTRY)) : node.to;
  const block = node.bytes.readUInt16LE(at + 8) * 2 ** 32 + node.bytes.readUInt32LE(at + 4);
  if (from < node.from || from >= to || !claimNode(walk.visited, block)) {
    walk.report(
      'EXT4_EXTENT',
      `the index for blocks ${from} to ${to} is out of place or leads to a used node`,
    );
    return undefined;
  }
  try {
    const bytes = await walk.volume.readBlock(block);
    checkChecksum(walk, bytes, block);
    return { bytes, depth: node.depth - 1, from, to };
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    walk.report(error.code, error.message);
    return undefined;
  }
}

/** The checksum stands behind the last entry that the node has room for. */
function checkChecksum({ inode, report }: Walk, bytes: Buffer, block: number): void {
  if (inode.checksumSeed === undefined) return;
  const at = HEADER + bytes.readUInt16LE(4) * ENTRY;
  const valid = at + 4 <= bytes.length && crc32c(inode.checksumSeed, bytes, 0, at) === bytes.readUInt32LE(at);
  if (!valid) report('EXT4_CHECKSUM', `the checksum of the extent tree's block ${block} is wrong`);
}
