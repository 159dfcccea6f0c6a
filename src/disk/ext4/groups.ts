import { GvaError } from '../../system/errors.js';
import type { Report } from '../findings.js';
import { crc16, crc32c, crc32cOfNumber } from './checksum.js';
import { Compat, Incompat, RoCompat } from './features.js';
import type { Superblock } from './superblock.js';
import type { Volume } from './volume.js';

/** Groups whose inode table is remembered: 128 GiB of blocks of 4 KiB. */
const REMEMBERED = 1024;

/** The block where the inode table of a group begins. Kernel Documentation/filesystems/ext4/group_descr.rst. */
export async function inodeTableOf(volume: Volume, group: number, report: Report): Promise<number> {
  const known = volume.inodeTables.get(group);
  if (known !== undefined) return known;
  const { superblock, blockSize } = volume;
  const { descriptorSize } = superblock;
  const perBlock = blockSize / descriptorSize;
  const block = descriptorBlock(superblock, Math.floor(group / perBlock));
  const descriptor = await volume.readWithin(block, (group % perBlock) * descriptorSize, descriptorSize);
  if (!checksumMatches(superblock, group, descriptor)) {
    report('EXT4_CHECKSUM', `the checksum of group descriptor ${group} is wrong`);
  }
  const high = descriptorSize >= 64 ? descriptor.readUInt32LE(0x28) : 0;
  const table = high * 2 ** 32 + descriptor.readUInt32LE(0x8);
  if (volume.readable(table, 1) === 0) {
    throw new GvaError('EXT4_BLOCK_RANGE', `the inode table of group ${group} is outside the file system`);
  }
  if (volume.inodeTables.size >= REMEMBERED) volume.inodeTables.clear();
  volume.inodeTables.set(group, table);
  return table;
}

/** The n-th block of descriptors: behind the superblock, or with meta_bg in the groups that it describes. */
function descriptorBlock(s: Superblock, index: number): number {
  // The superblock is at byte 1,024, whatever the first data block.
  const superblockAt = s.blockSize === 1024 ? 1 : 0;
  if (!(s.incompat & Incompat.metaBg) || index < s.firstMetaBg) return superblockAt + 1 + index;
  const group = index * (s.blockSize / s.descriptorSize);
  const ownSuperblock = hasSuperblock(s, group) ? 1 : 0;
  const shifted = index === 0 ? superblockAt - s.firstDataBlock : 0;
  return s.firstDataBlock + group * s.blocksPerGroup + ownSuperblock + shifted;
}

function hasSuperblock(s: Superblock, group: number): boolean {
  if (group === 0) return true;
  if (s.compat & Compat.sparseSuper2) return s.backupGroups.includes(group);
  if (group === 1 || !(s.roCompat & RoCompat.sparseSuper)) return true;
  return [3, 5, 7].some((base) => isPowerOf(base, group));
}

function isPowerOf(base: number, value: number): boolean {
  let power = base;
  while (power < value) power *= base;
  return power === value;
}

const CHECKSUM_AT = 0x1e;

function checksumMatches(s: Superblock, group: number, descriptor: Buffer): boolean {
  const stored = descriptor.readUInt16LE(CHECKSUM_AT);
  if (s.checksumSeed !== undefined) {
    let crc = crc32c(crc32cOfNumber(s.checksumSeed, group), descriptor, 0, CHECKSUM_AT);
    crc = crc32c(crc, Buffer.alloc(2));
    return (crc32c(crc, descriptor, CHECKSUM_AT + 2) & 0xffff) === stored;
  }
  if (!(s.roCompat & RoCompat.gdtCsum)) return true;
  const number = Buffer.alloc(4);
  number.writeUInt32LE(group);
  let crc = crc16(crc16(0xffff, s.uuidBytes), number);
  crc = crc16(crc, descriptor, 0, CHECKSUM_AT);
  return crc16(crc, descriptor, CHECKSUM_AT + 2) === stored;
}
