import type { Report } from '../findings.js';
import { shortNameChecksum } from './names.js';

/** Entries of a name of 255 UTF-16 code units, at 13 in each. */
const maxEntries = 20;
const lastEntry = 0x40;

/**
 * Puts long names together (FAT specification, "Long Directory Entries"): entries with the last part first, counted
 * down to 1, all with the checksum of the short entry that follows. Others are ignored (FAT_LONG_NAME).
 */
export class LongName {
  readonly #report: Report;
  /** From the last part to the first. */
  #parts: Buffer[] = [];
  /** The number of the next entry; 0 where all are there. */
  #expected = 0;
  #checksum = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  add(entry: Buffer): void {
    const number = entry.readUInt8(0) & ~lastEntry;
    if (entry.readUInt8(0) & lastEntry) {
      this.drop();
      this.#begin(number, entry.readUInt8(13));
    }
    const fits = this.#parts.length === 0 ? this.#expected > 0 : entry.readUInt8(13) === this.#checksum;
    if (!fits || number !== this.#expected) {
      this.#parts.push(entry);
      this.drop();
      return;
    }
    const units = [entry.subarray(1, 11), entry.subarray(14, 26), entry.subarray(28, 32)];
    this.#parts.push(Buffer.concat(units));
    this.#expected -= 1;
  }

  #begin(number: number, checksum: number): void {
    this.#expected = number <= maxEntries ? number : 0;
    this.#checksum = checksum;
  }

  /** The name that the entries so far give to a short entry; undefined without any, or where they are not its own. */
  take(short: Buffer): string | undefined {
    const complete = this.#parts.length > 0 && this.#expected === 0;
    if (!complete || shortNameChecksum(short.subarray(0, 11)) !== this.#checksum) {
      this.drop();
      return undefined;
    }
    const units = Buffer.concat(this.#parts.reverse());
    this.#forget();
    return this.#text(units);
  }

  /** Ends a name that belongs to nothing. */
  drop(): void {
    if (this.#parts.length > 0) {
      this.#report('FAT_LONG_NAME', 'parts of a long name that belong to no entry: ignored');
    }
    this.#forget();
  }

  #forget(): void {
    this.#parts = [];
    this.#expected = 0;
  }

  #text(units: Buffer): string {
    const text = units.toString('utf16le');
    const end = text.indexOf('\0');
    const name = end < 0 ? text : text.slice(0, end);
    if (!name.isWellFormed())
      this.#report('FAT_LONG_NAME', 'a name that is no UTF-16: characters of it are replaced');
    return name.toWellFormed();
  }
}
