import { crc32c } from './checksum.js';
import { InodeFlag } from './features.js';
import type { Inode } from './inode.js';

const TAIL = 12;
const TAIL_TYPE = 0xde;

/**
 * Whether the checksum of a directory block is right (always without metadata_csum). Leaves carry it in a
 * false entry at their end, index blocks behind the room for their entries (fs/ext4/namei.c, dx_tail).
 */
export function verifyDirectoryBlock(inode: Inode, block: Buffer, logical: number): boolean {
  if (inode.checksumSeed === undefined) return true;
  const countAt = inode.flags & InodeFlag.index ? indexCountAt(block, logical) : undefined;
  return countAt === undefined
    ? verifyLeaf(block, inode.checksumSeed)
    : verifyIndex(block, countAt, inode.checksumSeed);
}

function verifyLeaf(block: Buffer, seed: number): boolean {
  const at = block.length - TAIL;
  const isTail =
    block.readUInt32LE(at) === 0 &&
    block.readUInt16LE(at + 4) === TAIL &&
    block.readUInt8(at + 7) === TAIL_TYPE;
  return isTail && crc32c(seed, block, 0, at) === block.readUInt32LE(at + 8);
}

/** Where limit and count stand: behind the dot entries in the root of the index, behind one empty entry elsewhere. */
function indexCountAt(block: Buffer, logical: number): number | undefined {
  if (logical === 0) return 32;
  const wholeBlock = block.length === 65536 ? [0, 0xffff] : [block.length];
  return block.readUInt32LE(0) === 0 && wholeBlock.includes(block.readUInt16LE(4)) ? 8 : undefined;
}

function verifyIndex(block: Buffer, countAt: number, seed: number): boolean {
  const tailAt = countAt + 8 * block.readUInt16LE(countAt);
  const end = countAt + 8 * block.readUInt16LE(countAt + 2);
  if (end > tailAt || tailAt + 8 > block.length) return false;
  let crc = crc32c(seed, block, 0, end);
  crc = crc32c(crc, block, tailAt, tailAt + 4);
  return crc32c(crc, Buffer.alloc(4)) === block.readUInt32LE(tailAt + 4);
}
