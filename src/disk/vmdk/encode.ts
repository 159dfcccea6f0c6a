import { descriptorText } from './descriptor.js';
import {
  DEFLATE,
  DIRECTORY_AT_END,
  Field,
  Flag,
  GRAIN_MARKER_LENGTH,
  MAGIC,
  NEWLINE_TEST,
  SECTOR,
} from './format.js';

/** Bytes of a grain: what every reader takes. */
export const GRAIN = 64 * 1024;
/** Grains of one grain table: the only number that VMware's own library takes. */
export const GRAINS_PER_TABLE = 512;

/** As VMware's tools have it, which leaves room for what a hypervisor adds. */
const DESCRIPTOR_SECTORS = 20;
/** Without it and with another version, VMware takes a compressed disk for one of an older time. */
const VERSION = 3;

/**
 * Header and descriptor. The first grain follows at once: VMware's exporters and VirtualBox begin at 64 KiB, but
 * open-vmdk does not, and small disks are small then.
 */
export function headBytes(capacitySectors: number, contentId: string): Buffer {
  const head = Buffer.alloc((1 + DESCRIPTOR_SECTORS) * SECTOR);
  headerBytes(capacitySectors).copy(head);
  head.write(descriptorText(capacitySectors, contentId), SECTOR, 'latin1');
  return head;
}

/** @param directorySector where the grain directory is, which only the footer knows */
export function headerBytes(capacitySectors: number, directorySector?: number): Buffer {
  const header = Buffer.alloc(SECTOR);
  header.write(MAGIC, 'latin1');
  header.writeUInt32LE(VERSION, Field.version);
  header.writeUInt32LE(Flag.newlineTest | Flag.compressed | Flag.markers, Field.flags);
  header.writeBigUInt64LE(BigInt(capacitySectors), Field.capacity);
  header.writeBigUInt64LE(BigInt(GRAIN / SECTOR), Field.grainSize);
  header.writeBigUInt64LE(1n, Field.descriptorOffset);
  header.writeBigUInt64LE(BigInt(DESCRIPTOR_SECTORS), Field.descriptorSize);
  header.writeUInt32LE(GRAINS_PER_TABLE, Field.entriesPerTable);
  const directory = directorySector === undefined ? DIRECTORY_AT_END : BigInt(directorySector);
  header.writeBigUInt64LE(directory, Field.directoryOffset);
  header.writeBigUInt64LE(BigInt(1 + DESCRIPTOR_SECTORS), Field.overhead);
  header.write(NEWLINE_TEST, Field.newlineTest, 'latin1');
  header.writeUInt16LE(DEFLATE, Field.compression);
  return header;
}

/** @param sectors of what follows the marker */
export function markerBytes(type: number, sectors: number): Buffer {
  const marker = Buffer.alloc(SECTOR);
  marker.writeBigUInt64LE(BigInt(sectors), 0);
  marker.writeUInt32LE(type, GRAIN_MARKER_LENGTH);
  return marker;
}

/** @param length bytes of the compressed grain, which follows at once */
export function grainMarkerBytes(index: number, length: number): Buffer {
  const marker = Buffer.alloc(GRAIN_MARKER_LENGTH);
  marker.writeBigUInt64LE(BigInt((index * GRAIN) / SECTOR), 0);
  marker.writeUInt32LE(length, 8);
  return marker;
}
