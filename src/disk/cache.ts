import type { BlockSource } from './source.js';

/** Bytes of one piece; a power of two, so that no aligned metadata block of up to this size spans two. */
const PIECE = 64 * 1024;
/** Pieces kept: 4 MiB, whatever the image's size. */
const PIECES = 64;

/**
 * Small reads of metadata through a bounded least-recently-used cache. What `read` returns is shared with
 * the cache: callers never write to it.
 */
export class ReadCache {
  readonly #source: BlockSource;
  readonly #pieces = new Map<number, Buffer>();

  constructor(source: BlockSource) {
    this.#source = source;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const index = Math.floor(offset / PIECE);
    const start = offset - index * PIECE;
    if (length > PIECE - start) return this.#source.read(offset, length);
    const piece = this.#pieces.get(index) ?? (await this.#load(index));
    // A piece that ends with the image, or could not be read whole, is shorter: let the source judge.
    if (start + length > piece.length) return this.#source.read(offset, length);
    this.#pieces.delete(index);
    this.#pieces.set(index, piece);
    return piece.subarray(start, start + length);
  }

  async #load(index: number): Promise<Buffer> {
    const offset = index * PIECE;
    const length = Math.min(PIECE, this.#source.size - offset);
    if (!(length > 0)) return EMPTY;
    let piece: Buffer;
    try {
      piece = await this.#source.read(offset, length);
    } catch {
      return EMPTY; // one bad sector must not hide its neighbours: read exactly what was asked for
    }
    this.#pieces.set(index, piece);
    if (this.#pieces.size > PIECES) {
      for (const oldest of this.#pieces.keys()) {
        this.#pieces.delete(oldest);
        break;
      }
    }
    return piece;
  }
}

const EMPTY = Buffer.alloc(0);
