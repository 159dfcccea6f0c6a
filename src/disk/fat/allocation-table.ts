import { firstCluster, type FatWidth } from './geometry.js';

/** Clusters that follow one another and hold one thing. */
export interface Run {
  start: number;
  length: number;
}

const endOfChain = 0x0fffffff;

/**
 * The used beginning of an allocation table (FAT specification, "FAT Data Structure"); the rest is zeros, free.
 *
 * @param media media type as in the boot sector
 * @param runs the chains, in the order of their clusters and without gaps
 */
export function allocationTable(width: FatWidth, media: number, runs: readonly Run[]): Buffer {
  const used = runs.reduce((sum, { length }) => sum + length, firstCluster);
  const entries = new Uint32Array(used);
  entries[0] = 0x0fffff00 | media;
  entries[1] = endOfChain; // also says: cleanly unmounted, no errors
  for (const { start, length } of runs) {
    for (let cluster = start; cluster < start + length - 1; cluster++) entries[cluster] = cluster + 1;
    entries[start + length - 1] = endOfChain;
  }
  return width === 12 ? packed12(entries) : packedWords(entries, width);
}

function packedWords(entries: Uint32Array, width: 16 | 32): Buffer {
  const bytes = Buffer.alloc((entries.length * width) / 8);
  for (const [index, entry] of entries.entries()) {
    if (width === 16) bytes.writeUInt16LE(entry & 0xffff, index * 2);
    else bytes.writeUInt32LE(entry, index * 4);
  }
  return bytes;
}

/** Two entries in three bytes. */
function packed12(entries: Uint32Array): Buffer {
  const bytes = Buffer.alloc(Math.ceil(entries.length / 2) * 3);
  for (let index = 0; index < entries.length; index += 2) {
    const pair = ((entries[index] ?? 0) & 0xfff) | (((entries[index + 1] ?? 0) & 0xfff) << 12);
    bytes.writeUIntLE(pair, (index / 2) * 3, 3);
  }
  return bytes;
}
