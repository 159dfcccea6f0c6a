import { GRAINS_PER_TABLE, markerBytes } from './encode.js';
import { Marker, SECTOR, sectorsOf } from './format.js';
import type { Output } from './output.js';

/** Writes each grain table when its last grain is behind, and the grain directory at the end. */
export class TableWriter {
  readonly #output: Output;
  readonly #directory: Buffer;
  readonly #table = Buffer.alloc(4 * GRAINS_PER_TABLE);
  #number = 0;
  #used = false;

  /** @param grains of the whole disk */
  constructor(output: Output, grains: number) {
    this.#output = output;
    this.#directory = Buffer.alloc(4 * Math.ceil(grains / GRAINS_PER_TABLE));
  }

  /** Notes that a grain begins here. Grains come in the order of the disk. */
  async place(index: number): Promise<void> {
    const number = Math.floor(index / GRAINS_PER_TABLE);
    if (number !== this.#number) await this.#writeTable();
    this.#number = number;
    this.#table.writeUInt32LE(this.#output.sector, 4 * (index % GRAINS_PER_TABLE));
    this.#used = true;
  }

  /** Writes what is left; gives the sector of the directory. */
  async finish(): Promise<number> {
    await this.#writeTable();
    await this.#output.append(markerBytes(Marker.grainDirectory, sectorsOf(this.#directory.length)));
    const { sector } = this.#output;
    await this.#output.append(this.#directory);
    return sector;
  }

  /** A table of no grains is left out, as VMware does. */
  async #writeTable(): Promise<void> {
    if (!this.#used) return;
    await this.#output.append(markerBytes(Marker.grainTable, this.#table.length / SECTOR));
    this.#directory.writeUInt32LE(this.#output.sector, 4 * this.#number);
    await this.#output.append(Buffer.from(this.#table));
    this.#table.fill(0);
    this.#used = false;
  }
}
