import { GvaError } from '../../system/errors.js';
import type { Report } from '../findings.js';
import { type NodeKind, type TreeNode, nodeKinds } from '../tree.js';
import { crc32c, crc32cOfNumber } from './checksum.js';
import { Incompat, InodeFlag } from './features.js';
import { inodeTableOf } from './groups.js';
import type { Superblock } from './superblock.js';
import type { Volume } from './volume.js';

export const ROOT_INODE = 2;

/** An inode. Kernel Documentation/filesystems/ext4/inodes.rst. */
export interface Inode extends TreeNode {
  readonly flags: number;
  /** i_block: 60 bytes of block map, extent tree, inline data or symbolic link. */
  readonly map: Buffer;
  /** The whole record, for what lies behind the fixed fields. Shared with a cache. */
  readonly raw: Buffer;
  /** Start value of the checksums of this inode's blocks; undefined without metadata_csum. */
  readonly checksumSeed: number | undefined;
}

/**
 * Reads an inode by number. Throws EXT4_INODE where there cannot be one, EXT4_BLOCK_RANGE where its table is
 * outside, EXT4_ENCRYPTED where only ciphertext could be read.
 */
export async function readInode(volume: Volume, number: number, report: Report): Promise<Inode> {
  const s = volume.superblock;
  if (!(number >= 1 && number <= s.inodes)) throw bad(number, `the file system has ${s.inodes}`);
  if (number < s.firstInode && number !== ROOT_INODE) throw bad(number, 'it is reserved');
  const group = Math.floor((number - 1) / s.inodesPerGroup);
  const offset = ((number - 1) % s.inodesPerGroup) * s.inodeSize;
  const table = await inodeTableOf(volume, group, report);
  const block = table + Math.floor(offset / s.blockSize);
  const raw = await volume.readWithin(block, offset % s.blockSize, s.inodeSize);
  const inode = parseInode(s, number, raw, report);
  if (inode.kind === 'unknown') throw bad(number, `its mode is ${raw.readUInt16LE(0).toString(8)} (octal)`);
  if (inode.flags & InodeFlag.encrypt) throw new GvaError('EXT4_ENCRYPTED', `inode ${number} is encrypted`);
  if (inode.flags & InodeFlag.eaInode) throw bad(number, 'it holds an extended attribute');
  if (inode.links === 0) report('EXT4_DELETED', `inode ${number} is marked as deleted: read as it stands`);
  return inode;
}

function parseInode(s: Superblock, number: number, raw: Buffer, report: Report): Inode {
  const mode = raw.readUInt16LE(0x0);
  const kind = nodeKinds[mode >>> 12] ?? 'unknown';
  const seed = s.checksumSeed;
  const checksumSeed =
    seed === undefined ? undefined : crc32cOfNumber(crc32cOfNumber(seed, number), raw.readUInt32LE(0x64));
  if (checksumSeed !== undefined && !checksumMatches(raw, checksumSeed)) {
    report('EXT4_CHECKSUM', `the checksum of inode ${number} is wrong`);
  }
  return {
    id: number,
    kind,
    permissions: mode & 0o7777,
    uid: raw.readUInt16LE(0x2) + raw.readUInt16LE(0x78) * 2 ** 16,
    gid: raw.readUInt16LE(0x18) + raw.readUInt16LE(0x7a) * 2 ** 16,
    size: sizeOf(s, raw, kind),
    links: raw.readUInt16LE(0x1a),
    mtime: timeOf(raw, 0x10, 0x88),
    flags: raw.readUInt32LE(0x20),
    map: raw.subarray(0x28, 0x28 + 60),
    raw,
    checksumSeed,
  };
}

/** i_size has 64 bits, for directories only with large_dir. More than a safe integer becomes the largest of them. */
function sizeOf(s: Superblock, raw: Buffer, kind: NodeKind): number {
  const wide = kind === 'directory' ? (s.incompat & Incompat.largedir) !== 0 : kind === 'file';
  const size = raw.readUInt32LE(0x4) + (wide ? raw.readUInt32LE(0x6c) * 2 ** 32 : 0);
  return Math.min(size, Number.MAX_SAFE_INTEGER);
}

/** Bytes of the record behind the first 128 that are in use: i_extra_isize. */
export function extraSize(raw: Buffer): number {
  if (raw.length < 130) return 0;
  const extra = raw.readUInt16LE(0x80);
  return extra <= raw.length - 128 && extra % 4 === 0 ? extra : 0;
}

/** Signed seconds; where there is an extra field its low 2 bits extend them, the other 30 are nanoseconds. */
function timeOf(raw: Buffer, at: number, extraAt: number): number {
  const seconds = raw.readInt32LE(at);
  if (extraSize(raw) < extraAt + 4 - 128) return seconds;
  const extra = raw.readUInt32LE(extraAt);
  return seconds + (extra & 3) * 2 ** 32 + Math.min(extra >>> 2, 999_999_999) / 1e9;
}

const LOW_AT = 0x7c;
const HIGH_AT = 0x82;

/** The checksum covers the record with both halves of itself as zeros; the upper half exists in large inodes. */
function checksumMatches(raw: Buffer, seed: number): boolean {
  const zero = Buffer.alloc(2);
  let crc = crc32c(crc32c(crc32c(seed, raw, 0, LOW_AT), zero), raw, LOW_AT + 2, 128);
  const low = raw.readUInt16LE(LOW_AT);
  if (raw.length === 128) return (crc & 0xffff) === low;
  crc = crc32c(crc, raw, 128, HIGH_AT);
  const hasHigh = raw.readUInt16LE(0x80) >= HIGH_AT + 2 - 128;
  if (hasHigh) crc = crc32c(crc, zero);
  crc = crc32c(crc, raw, hasHigh ? HIGH_AT + 2 : HIGH_AT);
  return hasHigh ? crc === raw.readUInt16LE(HIGH_AT) * 2 ** 16 + low : (crc & 0xffff) === low;
}

function bad(number: number, why: string): GvaError {
  return new GvaError('EXT4_INODE', `there is no usable inode ${number}: ${why}`);
}
