import { sectorSize, writeBoth32 } from './fields.js';

/** Longest system use entry: its length is one byte (SUSP 1.12, 4). */
export const maxEntryLength = 255;
/** Signature, length and version of an entry. */
export const entryHeadLength = 4;
const continuationEntryLength = 28;

/** A system use entry of version 1 (SUSP 1.12, 4); its data, zeros, are the caller's to fill. */
export function systemUseEntry(signature: string, dataLength: number): Buffer {
  const entry = Buffer.alloc(entryHeadLength + dataLength);
  entry.write(signature, 'latin1');
  entry[2] = entry.length;
  entry[3] = 1;
  return entry;
}

/** SP: system use entries begin here; first in the root's own record (SUSP 1.12, 5.3). */
export function sharingProtocolEntry(): Buffer {
  const entry = systemUseEntry('SP', 3);
  entry.writeUInt16BE(0xbeef, 4);
  return entry;
}

/** ER: names the extension in use (SUSP 1.12, 5.5). */
export function extensionsReferenceEntry(id: string, description: string, source: string): Buffer {
  const entry = systemUseEntry('ER', 4 + id.length + description.length + source.length);
  entry.set([id.length, description.length, source.length, 1], 4);
  entry.write(id + description + source, 8, 'latin1');
  return entry;
}

/**
 * Where system use entries go that have no room in their directory record. Linux reads a continuation only if it
 * lies within one block, so none crosses a sector.
 */
export class ContinuationArea {
  readonly #start: number;
  readonly #sectors: Buffer[] = [];
  #used = sectorSize;

  /** @param start first sector of the area */
  constructor(start: number) {
    this.#start = start;
  }

  get sectors(): readonly Buffer[] {
    return this.#sectors;
  }

  /** The entries in order, in at most `room` bytes: what does not fit is stored here and referred to by CE. */
  pack(entries: readonly Buffer[], room: number): Buffer {
    if (totalLength(entries) <= room) return Buffer.concat(entries);
    let left = room - continuationEntryLength;
    const fitting = entries.findIndex(({ length }) => (left -= length) < 0);
    return Buffer.concat([...entries.slice(0, fitting), this.#store(entries.slice(fitting))]);
  }

  /** Stores the entries and returns the CE entry that leads to them (SUSP 1.12, 5.1). */
  #store(entries: readonly Buffer[]): Buffer {
    const packed = this.pack(entries, sectorSize);
    let sector = this.#sectors.at(-1);
    if (sector === undefined || this.#used + packed.length > sectorSize) {
      sector = Buffer.alloc(sectorSize);
      this.#sectors.push(sector);
      this.#used = 0;
    }
    sector.set(packed, this.#used);
    const entry = systemUseEntry('CE', continuationEntryLength - entryHeadLength);
    writeBoth32(entry, this.#start + this.#sectors.length - 1, 4);
    writeBoth32(entry, this.#used, 12);
    writeBoth32(entry, packed.length, 20);
    this.#used += packed.length;
    return entry;
  }
}

function totalLength(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}
