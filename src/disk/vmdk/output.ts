import { GvaError } from '../../system/errors.js';
import { Digests, type DigestName } from './digests.js';
import { SECTOR } from './format.js';

/** Takes bytes to the end of what it was given before. */
export type AppendBytes = (chunk: Buffer) => Promise<void>;

/** Bytes that are handed on at once. */
const CHUNK = 512 * 1024;

/** A file that is written from its beginning to its end, in whole sectors, and digested on the way. */
export class Output {
  readonly #write: AppendBytes;
  readonly #digests: Digests;
  #parts: Uint8Array[] = [];
  #waiting = 0;
  /** Bytes so far. */
  size = 0;

  constructor(write: AppendBytes, digests: Iterable<DigestName>) {
    this.#write = write;
    this.#digests = new Digests(digests);
  }

  /** The number of the next sector, as the tables have it. */
  get sector(): number {
    const sector = this.size / SECTOR;
    if (sector < 2 ** 32) return sector;
    throw new GvaError('VMDK_TOO_LARGE', 'a VMDK file cannot grow beyond 2 TiB', {
      hint: 'Divide the data among several disks.',
    });
  }

  /** Appends bytes, and zeros up to the end of the sector. */
  async append(...parts: Uint8Array[]): Promise<void> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const padding = (SECTOR - (length % SECTOR)) % SECTOR;
    this.#parts.push(...parts, ZEROS.subarray(0, padding));
    this.#waiting += length + padding;
    this.size += length + padding;
    if (this.#waiting >= CHUNK) await this.#flush();
  }

  async #flush(): Promise<void> {
    const chunk = Buffer.concat(this.#parts, this.#waiting);
    this.#parts = [];
    this.#waiting = 0;
    this.#digests.update(chunk);
    await this.#write(chunk);
  }

  /** Hands on what is left, and gives the digests as hexadecimal. */
  async finish(): Promise<Partial<Record<DigestName, string>>> {
    if (this.#waiting > 0) await this.#flush();
    return this.#digests.finish();
  }
}

const ZEROS = Buffer.alloc(SECTOR);
