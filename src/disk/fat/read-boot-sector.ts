import { GvaError } from '../../system/errors.js';
import type { Report } from '../findings.js';
import type { BlockSource } from '../source.js';
import { entrySize, firstCluster, type FatWidth } from './geometry.js';

/** Where things are on a volume that anybody made; offsets and lengths in bytes. */
export interface FatGeometry {
  readonly width: FatWidth;
  /** Of the whole volume, as claimed. */
  readonly size: number;
  readonly clusterSize: number;
  /** The allocation table in use. */
  readonly tableAt: number;
  /** Clusters that both the table and the volume have; the numbers begin at 2. */
  readonly clusters: number;
  /** The root directory of FAT12 and FAT16; undefined with FAT32. */
  readonly fixedRoot: { at: number; length: number } | undefined;
  /** First cluster of the root directory of FAT32. */
  readonly rootCluster: number;
  /** Where the first cluster lies. */
  readonly dataAt: number;
  readonly label: string;
}

const bootSectorSize = 512;
const extendedSignature = 0x29;

/** Linux's fat_read_bpb and the boot signature: FAT has no mark of its own. */
export async function looksLikeFat(source: BlockSource): Promise<boolean> {
  if (source.size < bootSectorSize) return false;
  const bytes = await source.read(0, bootSectorSize);
  const media = bytes.readUInt8(21);
  return (
    bytes.readUInt16LE(510) === 0xaa55 &&
    [512, 1024, 2048, 4096].includes(bytes.readUInt16LE(11)) &&
    isPowerOfTwo(bytes.readUInt8(13)) &&
    bytes.readUInt16LE(14) > 0 &&
    bytes.readUInt8(16) > 0 &&
    (media === 0xf0 || media >= 0xf8) &&
    (bytes.readUInt16LE(22) > 0 || bytes.readUInt32LE(36) > 0)
  );
}

/**
 * Parses and checks the boot sector (FAT specification, "Boot Sector and BPB").
 *
 * @throws GvaError FAT_NONE, FAT_CORRUPT where nothing can be read
 */
export async function readGeometry(source: BlockSource, report: Report): Promise<FatGeometry> {
  if (!(await looksLikeFat(source))) throw new GvaError('FAT_NONE', 'the image holds no FAT file system');
  const bytes = await source.read(0, bootSectorSize);
  const sector = bytes.readUInt16LE(11);
  const isFat32 = bytes.readUInt16LE(22) === 0;
  const clusterSize = bytes.readUInt8(13) * sector;
  const size = (bytes.readUInt16LE(19) || bytes.readUInt32LE(32)) * sector;
  const table = { at: bytes.readUInt16LE(14) * sector, length: tableSectors(bytes, isFat32) * sector };
  const root = {
    at: table.at + bytes.readUInt8(16) * table.length,
    length: bytes.readUInt16LE(17) * entrySize,
  };
  const dataAt = Math.ceil((root.at + root.length) / sector) * sector;
  const claimed = Math.floor((size - dataAt) / clusterSize);
  if (claimed < 1) throw new GvaError('FAT_CORRUPT', 'the boot sector leaves no room for data');
  if (size > source.size) {
    report('FAT_TRUNCATED', `${size} bytes are claimed, the image has ${source.size}`);
  }
  const width = isFat32 ? 32 : claimed < 4085 ? 12 : 16;
  const present = Math.floor((Math.min(size, source.size) - dataAt) / clusterSize);
  const inTable = Math.floor((table.length * 8) / width) - firstCluster;
  const extended = isFat32 ? 64 : 36;
  if (bytes.readUInt8(extended + 1) & 1) {
    report('FAT_UNCLEAN', 'the file system was not unmounted: the last changes may be missing');
  }
  return {
    width,
    size,
    clusterSize,
    tableAt: table.at + activeTable(bytes, isFat32) * table.length,
    clusters: Math.max(0, Math.min(present, inTable)),
    fixedRoot: isFat32 ? undefined : root,
    rootCluster: isFat32 ? bytes.readUInt32LE(44) : 0,
    dataAt,
    label: labelOf(bytes, extended),
  };
}

function tableSectors(bytes: Buffer, isFat32: boolean): number {
  return isFat32 ? bytes.readUInt32LE(36) : bytes.readUInt16LE(22);
}

/** FAT32 may say that one table is in use and the others are not kept (BPB_ExtFlags). */
function activeTable(bytes: Buffer, isFat32: boolean): number {
  const flags = bytes.readUInt16LE(40);
  if (!isFat32 || !(flags & 0x80)) return 0;
  const table = flags & 0xf;
  return table < bytes.readUInt8(16) ? table : 0;
}

function labelOf(bytes: Buffer, extended: number): string {
  if (bytes[extended + 2] !== extendedSignature) return '';
  const label = bytes.toString('latin1', extended + 7, extended + 18).trimEnd();
  return label === 'NO NAME' ? '' : label;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
