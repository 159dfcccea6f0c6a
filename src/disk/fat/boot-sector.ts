import { fatCopies, firstCluster, sectorSize, type Geometry } from './geometry.js';

/** Where FAT32 keeps its free space information and the copy of its first two sectors. */
const infoSector = 1;
const backupSector = 6;
const bootSignature = 0xaa55;
/** What the specification advises: some systems look for it. */
const oemName = 'MSWIN4.1';
/** Not bootable: INT 18h, "next boot device"; should that return, stop. */
const bootCode = [0xcd, 0x18, 0xf4, 0xeb, 0xfd];

export interface BootFields {
  geometry: Geometry;
  serial: number;
  /** 11 bytes. */
  label: Buffer;
  /** Clusters in use, from the first one on. */
  usedClusters: number;
  /** Sectors of the disk before the volume: boot code reads its own volume by them. */
  firstSector: number;
}

/** Media type: removable 3.5 inch floppy, or fixed. */
export function mediaType({ isFloppy }: Geometry): number {
  return isFloppy ? 0xf0 : 0xf8;
}

/** The reserved sectors (FAT specification, "Boot Sector and BPB", "FAT32 FSInfo Sector Structure"). */
export function reservedSectors(fields: BootFields): Buffer {
  const { geometry } = fields;
  const bytes = Buffer.alloc(geometry.reservedSectors * sectorSize);
  writeBootSector(bytes, fields);
  if (geometry.width !== 32) return bytes;
  writeFreeSpace(bytes.subarray(infoSector * sectorSize), fields);
  bytes.copy(bytes, backupSector * sectorSize, 0, 2 * sectorSize);
  return bytes;
}

function writeBootSector(bytes: Buffer, { geometry, serial, label, firstSector }: BootFields): void {
  const { width, sectors, isFloppy } = geometry;
  const isFat32 = width === 32;
  const extended = isFat32 ? 64 : 36;
  const codeOffset = extended + 26;
  bytes.set([0xeb, codeOffset - 2, 0x90]);
  bytes.write(oemName, 3, 'latin1');
  bytes.writeUInt16LE(sectorSize, 11);
  bytes[13] = geometry.sectorsPerCluster;
  bytes.writeUInt16LE(geometry.reservedSectors, 14);
  bytes[16] = fatCopies;
  bytes.writeUInt16LE(geometry.rootEntries, 17);
  if (sectors <= 0xffff && !isFat32) bytes.writeUInt16LE(sectors, 19);
  else bytes.writeUInt32LE(sectors, 32);
  bytes[21] = mediaType(geometry);
  bytes.writeUInt16LE(isFat32 ? 0 : geometry.fatSectors, 22);
  bytes.writeUInt16LE(isFloppy ? 18 : 63, 24); // sectors per track
  bytes.writeUInt16LE(isFloppy ? 2 : 255, 26); // heads
  bytes.writeUInt32LE(firstSector, 28);
  if (isFat32) {
    bytes.writeUInt32LE(geometry.fatSectors, 36);
    bytes.writeUInt32LE(firstCluster, 44); // root directory
    bytes.writeUInt16LE(infoSector, 48);
    bytes.writeUInt16LE(backupSector, 50);
  }
  bytes[extended] = isFloppy ? 0x00 : 0x80; // BIOS drive
  bytes[extended + 2] = 0x29; // the next three are there
  bytes.writeUInt32LE(serial, extended + 3);
  bytes.set(label, extended + 7);
  bytes.write(`FAT${width}`.padEnd(8), extended + 18, 'latin1');
  bytes.set(bootCode, codeOffset);
  bytes.writeUInt16LE(bootSignature, 510);
}

function writeFreeSpace(bytes: Buffer, { geometry, usedClusters }: BootFields): void {
  const free = geometry.clusters - usedClusters;
  bytes.writeUInt32LE(0x41615252, 0);
  bytes.writeUInt32LE(0x61417272, 484);
  bytes.writeUInt32LE(free, 488);
  bytes.writeUInt32LE(free > 0 ? firstCluster + usedClusters : 0xffffffff, 492);
  bytes.writeUInt16LE(bootSignature, 510);
}
