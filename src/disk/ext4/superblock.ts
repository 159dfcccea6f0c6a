import { GvaError } from '../../system/errors.js';
import type { Report } from '../findings.js';
import { crc32c } from './checksum.js';
import { incompatNames, Incompat, READABLE_INCOMPAT, RoCompat } from './features.js';

/** Where the superblock lies and how long it is, bytes. */
export const SUPERBLOCK = { offset: 1024, length: 1024 } as const;
const MAGIC = 0xef53;

/** The fields of the superblock that a reader needs, checked. Kernel Documentation/filesystems/ext4/super.rst. */
export interface Superblock {
  readonly label: string;
  readonly uuid: string;
  /** Bytes of a block: 1,024 to 65,536. */
  readonly blockSize: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly inodes: number;
  readonly firstDataBlock: number;
  /** First inode number that is not reserved. */
  readonly firstInode: number;
  readonly inodeSize: number;
  readonly blocksPerGroup: number;
  readonly inodesPerGroup: number;
  /** Bytes of a group descriptor. */
  readonly descriptorSize: number;
  readonly firstMetaBg: number;
  /** Groups with a copy of the superblock under sparse_super2. */
  readonly backupGroups: readonly [number, number];
  readonly compat: number;
  readonly incompat: number;
  readonly roCompat: number;
  readonly uuidBytes: Buffer;
  /** Start value of all checksums of metadata; undefined without metadata_csum. */
  readonly checksumSeed: number | undefined;
}

/**
 * Parses and checks a superblock. What makes reading impossible is thrown: EXT4_NONE where there is no
 * ext2/3/4 at all, EXT4_UNSUPPORTED for features, EXT4_CORRUPT for impossible geometry.
 */
export function parseSuperblock(bytes: Buffer, report: Report): Superblock {
  if (bytes.readUInt16LE(0x38) !== MAGIC) {
    throw new GvaError('EXT4_NONE', 'the image holds no ext2, ext3 or ext4 file system');
  }
  const dynamic = bytes.readUInt32LE(0x4c) > 0;
  const features = (at: number) => (dynamic ? bytes.readUInt32LE(at) : 0);
  const incompat = features(0x60);
  checkFeatures(incompat);
  const roCompat = features(0x64);
  const wide = (incompat & Incompat.sixtyFourBit) !== 0;
  const number64 = (low: number, high: number) =>
    bytes.readUInt32LE(low) + (wide ? bytes.readUInt32LE(high) * 2 ** 32 : 0);
  const uuidBytes = Buffer.from(bytes.subarray(0x68, 0x78));
  const superblock: Superblock = {
    label: textUntilNul(bytes.subarray(0x78, 0x88)),
    uuid: formatUuid(uuidBytes),
    blockSize: blockSizeOf(bytes.readUInt32LE(0x18)),
    blocks: number64(0x4, 0x150),
    freeBlocks: number64(0xc, 0x158),
    inodes: bytes.readUInt32LE(0x0),
    firstDataBlock: bytes.readUInt32LE(0x14),
    firstInode: dynamic ? bytes.readUInt32LE(0x54) : 11,
    inodeSize: dynamic ? bytes.readUInt16LE(0x58) : 128,
    blocksPerGroup: bytes.readUInt32LE(0x20),
    inodesPerGroup: bytes.readUInt32LE(0x28),
    descriptorSize: wide ? bytes.readUInt16LE(0xfe) : 32,
    firstMetaBg: bytes.readUInt32LE(0x104),
    backupGroups: [bytes.readUInt32LE(0x24c), bytes.readUInt32LE(0x250)],
    compat: features(0x5c),
    incompat,
    roCompat,
    uuidBytes,
    checksumSeed: checksumSeedOf(bytes, incompat, roCompat),
  };
  checkGeometry(superblock);
  reportState(bytes, superblock, report);
  return superblock;
}

function checkFeatures(incompat: number): void {
  const unsupported = (incompat & ~READABLE_INCOMPAT) >>> 0;
  if (unsupported === 0) return;
  throw new GvaError(
    'EXT4_UNSUPPORTED',
    `the file system uses features not read here: ${incompatNames(unsupported)}`,
    {
      hint: 'Make the file system without them (mke2fs -O ^feature).',
    },
  );
}

function blockSizeOf(log: number): number {
  if (log > 6) throw corrupt(`a block size of 2^${10 + log} bytes`);
  return 1024 << log;
}

/** Metadata checksums start from the UUID, or from a stored seed that outlives a change of UUID. */
function checksumSeedOf(bytes: Buffer, incompat: number, roCompat: number): number | undefined {
  if (!(roCompat & RoCompat.metadataCsum)) return undefined;
  return incompat & Incompat.csumSeed ? bytes.readUInt32LE(0x270) : crc32c(0xffffffff, bytes, 0x68, 0x78);
}

/** The limits of ext4_fill_super in the kernel's fs/ext4/super.c. */
function checkGeometry(s: Superblock): void {
  const bitsPerBlock = 8 * s.blockSize;
  const clusterBits = s.roCompat & RoCompat.bigalloc ? 16 : 0;
  if (!(s.inodeSize >= 128 && s.inodeSize <= s.blockSize && isPowerOfTwo(s.inodeSize))) {
    throw corrupt(`inodes of ${s.inodeSize} bytes`);
  }
  if (s.inodesPerGroup < 1 || s.inodesPerGroup > bitsPerBlock)
    throw corrupt(`${s.inodesPerGroup} inodes a group`);
  if (s.blocksPerGroup < 1 || s.blocksPerGroup > bitsPerBlock * 2 ** clusterBits) {
    throw corrupt(`${s.blocksPerGroup} blocks a group`);
  }
  const descriptorFits =
    s.descriptorSize >= 32 && s.descriptorSize <= s.blockSize && isPowerOfTwo(s.descriptorSize);
  if (!descriptorFits || (s.incompat & Incompat.sixtyFourBit && s.descriptorSize < 64)) {
    throw corrupt(`group descriptors of ${s.descriptorSize} bytes`);
  }
  if (s.firstDataBlock > 1 || s.firstDataBlock >= s.blocks)
    throw corrupt(`first data block ${s.firstDataBlock}`);
  if (s.blocks > Number.MAX_SAFE_INTEGER / s.blockSize) throw corrupt(`${s.blocks} blocks`);
  if (s.inodes < 2) throw corrupt(`${s.inodes} inodes`);
}

function reportState(bytes: Buffer, superblock: Superblock, report: Report): void {
  const state = bytes.readUInt16LE(0x3a);
  if (superblock.incompat & Incompat.recover) {
    report('EXT4_UNCLEAN', 'the journal was not replayed: the last changes may be missing');
  } else if (!(state & 1)) {
    report('EXT4_UNCLEAN', 'the file system was not unmounted: the last changes may be missing');
  }
  if (state & 2) report('EXT4_ERRORS', 'the guest noted errors in this file system');
  const stored = bytes.readUInt32LE(0x3fc);
  if (superblock.checksumSeed !== undefined && crc32c(0xffffffff, bytes, 0, 0x3fc) !== stored) {
    report('EXT4_CHECKSUM', 'the checksum of the superblock is wrong');
  }
}

function isPowerOfTwo(value: number): boolean {
  return (value & (value - 1)) === 0;
}

function textUntilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

function formatUuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function corrupt(what: string): GvaError {
  return new GvaError('EXT4_CORRUPT', `the superblock claims ${what}`);
}
