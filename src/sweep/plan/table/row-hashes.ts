import type { ParameterValue } from '../../../model/parameter.js';
import { mix } from '../permutation.js';

/** A number as two words of 32 bits. */
const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);

/**
 * Tells whether the rows of a table are all different, in 11 to 21 bytes for each row. Equal rows have equal hashes, and
 * others hardly ever (64 bits): where all hashes differ no row is there twice, and nothing more needs to be compared.
 */
export class RowHashes {
  #table: Uint32Array;
  #count = 0;
  #repeated = false;

  /** @param expected about so many rows */
  constructor(expected: number) {
    const places = 2 ** Math.ceil(Math.log2(Math.max(1024, expected * 1.5)));
    this.#table = new Uint32Array(places * 2);
  }

  /** Whether no two rows that were added have the same hash. */
  get distinct(): boolean {
    return !this.#repeated;
  }

  add(values: readonly ParameterValue[]): void {
    // One pair is enough to know.
    if (this.#repeated) return;
    let [a, b] = [0x12345678, 0x9abcdef0];
    for (const value of values) {
      if (typeof value === 'string') {
        for (let at = 0; at < value.length; at++) {
          const unit = value.charCodeAt(at);
          a = Math.imul(a ^ unit, 0x9e3779b1);
          b = Math.imul(b ^ unit, 0x5f356495);
        }
        b = mix(b ^ value.length);
      } else {
        double[0] = Number(value) + 0;
        a = mix(a ^ (halves[0] ?? 0));
        b = mix(b ^ (halves[1] ?? 0) ^ a);
      }
      a = Math.imul(a ^ (b >>> 15), 0x85ebca6b);
    }
    this.#insert(mix(a ^ (b >>> 16)) | 1, mix(b ^ (a >>> 13)));
  }

  #insert(a: number, b: number): void {
    if (this.#count * 4 >= (this.#table.length / 2) * 3) this.#grow();
    if (insert(this.#table, a >>> 0, b >>> 0)) this.#count++;
    else this.#repeated = true;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2)
      if (old[at] !== 0) insert(this.#table, old[at] ?? 0, old[at + 1] ?? 0);
  }
}

/** Open addressing with linear probing; the first word, never 0, marks a place that is taken. */
function insert(table: Uint32Array, a: number, b: number): boolean {
  const mask = table.length / 2 - 1;
  for (let place = b & mask; ; place = (place + 1) & mask) {
    const at = place * 2;
    if (table[at] === 0) {
      table[at] = a;
      table[at + 1] = b;
      return true;
    }
    if (table[at] === a && table[at + 1] === b) return false;
  }
}
