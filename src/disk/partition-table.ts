import { GvaError } from '../system/errors.js';
import type { BlockSource } from './source.js';

/** The partition table of a PC's disk in its first sector (master boot record, UEFI specification 2.10, 5.2). */

export interface Partition {
  /** 0x83 Linux, 0xef EFI system partition; 0xee says that the true table is a GPT. */
  readonly type: number;
  /** BIOS boot code starts the one that is. */
  readonly bootable: boolean;
  /** Bytes from the disk's start. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

export const partitionTypes = { linux: 0x83, efiSystem: 0xef } as const;

const sectorSize = 512;
const signature = 0xaa55;
/** Boot code ends where the disk's signature begins. */
const bootCodeSize = 440;
const entriesAt = 446;
const entrySize = 16;
const maxEntries = 4;
const maxSectors = 0xffffffff;

export interface PartitionTable {
  /** At most four. */
  readonly partitions: readonly Partition[];
  /** By which an operating system tells disks apart. */
  readonly diskSignature: number;
  /** At most 440 bytes. */
  readonly bootCode: Uint8Array;
}

/**
 * The first sector of a disk.
 *
 * @throws RangeError for what the format cannot say
 */
export function partitionTableSector({ partitions, diskSignature, bootCode }: PartitionTable): Buffer {
  if (partitions.length > maxEntries || bootCode.length > bootCodeSize)
    throw new RangeError(`${partitions.length} partitions, ${bootCode.length} bytes of boot code`);
  const sector = Buffer.alloc(sectorSize);
  sector.set(bootCode);
  sector.writeUInt32LE(diskSignature, bootCodeSize);
  for (const [index, partition] of partitions.entries())
    writeEntry(sector.subarray(entriesAt + index * entrySize), partition);
  sector.writeUInt16LE(signature, sectorSize - 2);
  return sector;
}

function writeEntry(entry: Buffer, { type, bootable, offset, size }: Partition): void {
  const [first, sectors] = [offset / sectorSize, size / sectorSize];
  const valid = Number.isInteger(first) && Number.isInteger(sectors) && first > 0 && sectors > 0;
  if (!valid || first + sectors > maxSectors)
    throw new RangeError(`a partition at ${offset}, of ${size} bytes`);
  entry[0] = bootable ? 0x80 : 0;
  entry.set(cylinderHeadSector(first), 1);
  entry[4] = type;
  entry.set(cylinderHeadSector(first + sectors - 1), 5);
  entry.writeUInt32LE(first, 8);
  entry.writeUInt32LE(sectors, 12);
}

/** An address as old BIOSes know it, on a disk of 255 heads and 63 sectors; the last one where it lies behind. */
function cylinderHeadSector(address: number): [number, number, number] {
  const cylinder = Math.floor(address / (255 * 63));
  if (cylinder > 1023) return [254, 0xff, 0xff];
  const head = Math.floor(address / 63) % 255;
  const sector = (address % 63) + 1;
  return [head, sector | ((cylinder >> 2) & 0xc0), cylinder & 0xff];
}

/**
 * The partitions in the first sector of a disk that anybody wrote, in the table's order; none where there is no
 * table. Logical partitions inside an extended one (types 5 and 0xf) are not looked for.
 *
 * @throws GvaError PARTITION_TABLE where partitions overlap or are not on the disk
 */
export async function readPartitionTable(disk: BlockSource): Promise<Partition[]> {
  if (disk.size < sectorSize) return [];
  const sector = await disk.read(0, sectorSize);
  if (sector.readUInt16LE(sectorSize - 2) !== signature || isFileSystem(sector)) return [];
  const partitions: Partition[] = [];
  for (let index = 0; index < maxEntries; index++) {
    const entry = sector.subarray(entriesAt + index * entrySize);
    const partition = {
      type: entry.readUInt8(4),
      bootable: (entry.readUInt8(0) & 0x80) !== 0,
      offset: entry.readUInt32LE(8) * sectorSize,
      size: entry.readUInt32LE(12) * sectorSize,
    };
    if (partition.type !== 0 && partition.size > 0) partitions.push(partition);
  }
  checkPlaces(partitions, disk.size);
  return partitions;
}

/** Boot sectors of file systems end in the same signature. In a table, the first bytes of entries are 0 or 0x80. */
function isFileSystem(sector: Buffer): boolean {
  return Array.from({ length: maxEntries }, (_, index) => sector[entriesAt + index * entrySize] ?? 0).some(
    (status) => (status & 0x7f) !== 0,
  );
}

function checkPlaces(partitions: readonly Partition[], diskSize: number): void {
  let end = sectorSize;
  for (const { offset, size } of [...partitions].sort((a, b) => a.offset - b.offset)) {
    if (offset < end)
      throw tableError(`a partition begins at byte ${offset}, before the last one ends (${end})`);
    end = offset + size;
  }
  // The protective partition of a GPT may claim more than there is.
  const only = partitions.length === 1 && partitions[0]?.type === 0xee;
  if (end > diskSize && !only)
    throw tableError(`a partition ends at byte ${end}, the disk at byte ${diskSize}`);
}

const tableError = (problem: string) =>
  new GvaError('PARTITION_TABLE', `the partition table cannot be used: ${problem}`);
