import { GvaError } from '../../system/errors.js';
import type { Report } from '../findings.js';
import type { DirectoryEntry } from '../tree.js';
import { blockRuns } from './blocks.js';
import { InodeFlag } from './features.js';
import { verifyDirectoryBlock } from './directory-checksum.js';
import { inlineParts } from './inline.js';
import type { Inode } from './inode.js';
import type { Volume } from './volume.js';

/**
 * The entries of a directory, one array for each block (kernel Documentation/filesystems/ext4/directory.rst).
 * A hashed directory is read linearly: its index blocks look like empty ones. The entries `.` and `..` at
 * their places in front are left out; anywhere else they are given as they stand.
 */
export async function* directoryEntries(
  volume: Volume,
  inode: Inode,
  report: Report,
): AsyncGenerator<DirectoryEntry[]> {
  if (inode.flags & InodeFlag.inlineData) {
    yield inlineEntries(inode, report);
    return;
  }
  const size = claimedSize(volume, inode, report);
  let seen = 0;
  for await (const runs of blockRuns(volume, inode, report)) {
    if (runs.length === 0) yield [];
    for (const run of runs) {
      for (let index = 0; index < run.count && run.logical + index < size; index += 1) {
        const entries = await blockEntries(volume, inode, run.physical + index, run.logical + index, report);
        seen += 1;
        yield entries;
      }
    }
  }
  if (seen < size) report('EXT4_DIRECTORY', `${size - seen} of ${size} blocks of the directory are missing`);
}

/** Blocks that a directory claims, at most as many as the file system has. */
function claimedSize(volume: Volume, inode: Inode, report: Report): number {
  const blocks = Math.ceil(inode.size / volume.blockSize);
  if (blocks <= volume.blocks) return blocks;
  report('EXT4_DIRECTORY', `the directory claims ${inode.size} bytes, more than the file system has`);
  return volume.blocks;
}

async function blockEntries(
  volume: Volume,
  inode: Inode,
  physical: number,
  logical: number,
  report: Report,
): Promise<DirectoryEntry[]> {
  let block: Buffer;
  try {
    block = await volume.readBlock(physical);
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    report(error.code, error.message);
    return [];
  }
  if (!verifyDirectoryBlock(inode, block, logical)) {
    report('EXT4_CHECKSUM', `the checksum of block ${logical} of the directory is wrong`);
  }
  const entries = parseEntries(block, report);
  return logical === 0 ? withoutDots(entries, inode, report) : entries;
}

/** The first four bytes are the parent's inode, there are no dot entries; entries do not span the two parts. */
function inlineEntries(inode: Inode, report: Report): DirectoryEntry[] {
  const [map, value] = inlineParts(inode);
  return [...parseEntries(map.subarray(4), report), ...parseEntries(value, report)];
}

/** Entries in the order of a block. Where the chain of lengths breaks, the rest of the block is given up. */
function parseEntries(block: Buffer, report: Report): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  for (let at = 0; at + 8 <= block.length;) {
    const length = recordLength(block, at);
    const nameLength = block.readUInt8(at + 6);
    if (length < 8 || length % 4 !== 0 || at + length > block.length || nameLength > length - 8) {
      report('EXT4_DIRECTORY', `a broken entry at byte ${at} of a block: the rest of the block is lost`);
      break;
    }
    const id = block.readUInt32LE(at);
    if (id !== 0) entries.push({ id, name: block.subarray(at + 8, at + 8 + nameLength) });
    at += length;
  }
  return entries;
}

/** Two bits above 16 are kept in the low ones, and 0 and 65,535 mean a whole block of 64 KiB (fs/ext4/ext4.h). */
function recordLength(block: Buffer, at: number): number {
  const length = block.readUInt16LE(at + 4);
  if (block.length < 65536) return length;
  return length === 0xffff || length === 0 ? block.length : (length & 0xfffc) | ((length & 3) << 16);
}

function withoutDots(entries: DirectoryEntry[], { id }: Inode, report: Report): DirectoryEntry[] {
  const isNamed = (index: number, name: string) => entries[index]?.name.toString('latin1') === name;
  const front = isNamed(0, '.') ? (isNamed(1, '..') ? 2 : 1) : 0;
  if (front < 2 || entries[0]?.id !== id)
    report('EXT4_DIRECTORY', 'the entries "." and ".." are missing or wrong');
  return entries.slice(front);
}
