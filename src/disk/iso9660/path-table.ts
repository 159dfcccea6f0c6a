import type { DirectoryPlan } from './hierarchy.js';

/** Bytes of the path table of these directories. */
export function pathTableLength(directories: readonly DirectoryPlan[]): number {
  return directories.reduce((sum, { identifier }) => sum + entryLength(identifier), 0);
}

/** Path table of type L (little endian) or M (big endian) (ECMA-119 6.9, 9.4). */
export function writePathTable(
  buffer: Buffer,
  offset: number,
  directories: readonly DirectoryPlan[],
  endian: 'little' | 'big',
): void {
  for (const { identifier, sector, parent } of directories) {
    buffer[offset] = identifier.length;
    if (endian === 'little') {
      buffer.writeUInt32LE(sector, offset + 2);
      buffer.writeUInt16LE(parent.number, offset + 6);
    } else {
      buffer.writeUInt32BE(sector, offset + 2);
      buffer.writeUInt16BE(parent.number, offset + 6);
    }
    identifier.copy(buffer, offset + 8);
    offset += entryLength(identifier);
  }
}

function entryLength(identifier: Buffer): number {
  return 8 + identifier.length + (identifier.length % 2);
}
