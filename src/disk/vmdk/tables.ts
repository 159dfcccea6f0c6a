import { ReadCache } from '../cache.js';
import type { BlockSource } from '../source.js';
import { corrupt } from './errors.js';
import { GRAIN_MARKER_LENGTH, SECTOR } from './format.js';
import type { VmdkHeader } from './header.js';

/** A grain that is in the file. */
export interface StoredGrain {
  /** Its number in the disk. */
  readonly index: number;
  /** Offset in the file, bytes: of its marker where grains are compressed. */
  readonly at: number;
}

/** Entry of a grain table for a grain of zeros, where the header allows it. */
const ZEROED = 1;
/** Grain tables of the directory that are looked at together. */
const TABLES_AT_ONCE = 4096;

/** Grain directory and grain tables: where in the file each grain of the disk is. */
export class GrainTables {
  readonly #file: BlockSource;
  readonly #header: VmdkHeader;
  readonly #size: number;
  readonly #cache: ReadCache;

  /** @param size bytes of the disk */
  constructor(file: BlockSource, header: VmdkHeader, size: number) {
    this.#file = file;
    this.#header = header;
    this.#size = size;
    this.#cache = new ReadCache(file);
  }

  /** Undefined where the grain is all zeros. */
  async locate(index: number): Promise<StoredGrain | undefined> {
    const { entriesPerTable, directoryOffset } = this.#header;
    const number = Math.floor(index / entriesPerTable);
    const table = this.#tableAt((await this.#cache.read(directoryOffset + 4 * number, 4)).readUInt32LE(0));
    if (table === 0) return undefined;
    const entry = await this.#cache.read(table + 4 * (index % entriesPerTable), 4);
    return this.#stored(index, entry.readUInt32LE(0));
  }

  /**
   * The grains that are in the file, in the order of the disk, by table; an empty list now and then where there
   * are long stretches without any.
   */
  async *stored(): AsyncGenerator<StoredGrain[]> {
    const { entriesPerTable, directoryOffset, grainSize } = this.#header;
    const tables = Math.ceil(this.#size / (grainSize * entriesPerTable));
    for (let first = 0; first < tables; first += TABLES_AT_ONCE) {
      const count = Math.min(TABLES_AT_ONCE, tables - first);
      const directory = await this.#file.read(directoryOffset + 4 * first, 4 * count);
      for (let number = 0; number < count; number++) {
        const at = this.#tableAt(directory.readUInt32LE(4 * number));
        if (at !== 0) yield await this.#grainsOf(first + number, at);
      }
      yield [];
    }
  }

  async #grainsOf(number: number, at: number): Promise<StoredGrain[]> {
    const { entriesPerTable, grainSize } = this.#header;
    const table = await this.#file.read(at, 4 * entriesPerTable);
    const first = number * entriesPerTable;
    const count = Math.min(entriesPerTable, Math.ceil(this.#size / grainSize) - first);
    const grains: StoredGrain[] = [];
    for (let entry = 0; entry < count; entry++) {
      const grain = this.#stored(first + entry, table.readUInt32LE(4 * entry));
      if (grain) grains.push(grain);
    }
    return grains;
  }

  /** Offset of a table by its entry in the directory; 0 for none. */
  #tableAt(sector: number): number {
    const at = sector * SECTOR;
    if (at + 4 * this.#header.entriesPerTable > this.#file.size)
      throw corrupt(`a grain table at byte ${at} is outside the file`);
    return at;
  }

  #stored(index: number, sector: number): StoredGrain | undefined {
    if (sector === 0 || (sector === ZEROED && this.#header.zeroGrains)) return undefined;
    const at = sector * SECTOR;
    const { compressed, grainSize } = this.#header;
    // The last grain may end with the disk.
    const least = compressed ? GRAIN_MARKER_LENGTH : Math.min(grainSize, this.#size - index * grainSize);
    if (at + least > this.#file.size) throw corrupt(`a grain at byte ${at} is outside the file`);
    return { index, at };
  }
}
