import { createHash, type Hash } from 'node:crypto';
import type { BlockSource } from '../source.js';

/** What a manifest of a package may name. */
export type DigestName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** Several digests of the same bytes. */
export class Digests {
  readonly #hashes: ReadonlyMap<DigestName, Hash>;

  constructor(names: Iterable<DigestName>) {
    this.#hashes = new Map([...new Set(names)].map((name) => [name, createHash(name)]));
  }

  get wanted(): boolean {
    return this.#hashes.size > 0;
  }

  update(bytes: Uint8Array): void {
    for (const hash of this.#hashes.values()) hash.update(bytes);
  }

  /** As hexadecimal; nothing can be added afterwards. */
  finish(): Partial<Record<DigestName, string>> {
    return Object.fromEntries([...this.#hashes].map(([name, hash]) => [name, hash.digest('hex')]));
  }
}

/** Bytes that are digested at once. */
const PIECE = 128 * 1024;

/** Digests a file from its beginning to its end while somebody else reads it, who says how far that went. */
export class DigestFollower {
  readonly #file: BlockSource;
  readonly #digests: Digests;
  readonly #step: () => Promise<void>;
  readonly #buffer = Buffer.allocUnsafe(PIECE);
  #position = 0;

  /** @param step called between pieces, as there may be many */
  constructor(file: BlockSource, names: Iterable<DigestName>, step: () => Promise<void>) {
    this.#file = file;
    this.#digests = new Digests(names);
    this.#step = step;
  }

  /** Digests up to an offset at least: what is read about the same time comes from the disk once. */
  async follow(offset: number): Promise<void> {
    if (!this.#digests.wanted) return;
    const { size } = this.#file;
    while (this.#position < Math.min(offset, size)) {
      const length = Math.min(PIECE, size - this.#position);
      this.#digests.update(await this.#file.read(this.#position, length, this.#buffer));
      this.#position += length;
      await this.#step();
    }
  }

  /** Digests the rest of the file, and gives all as hexadecimal. */
  async finish(): Promise<Partial<Record<DigestName, string>>> {
    await this.follow(this.#file.size);
    return this.#digests.finish();
  }
}
