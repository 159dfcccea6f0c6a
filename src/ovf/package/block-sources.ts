import { checkRange, type BlockSource } from '../../disk/source.js';

/** A range of another source, which stays the owner of the file: closing the range closes nothing. */
export function rangeOf(source: BlockSource, offset: number, size: number): BlockSource {
  checkRange(offset, size, source.size);
  return {
    size,
    read: async (at, length, into) => {
      checkRange(at, length, size);
      return source.read(offset + at, length, into);
    },
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Sources one behind the other, as one; it owns them. */
export function concatenated(parts: readonly BlockSource[]): BlockSource {
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : new Concatenation(parts);
}

class Concatenation implements BlockSource {
  readonly size: number;
  readonly #parts: readonly { readonly source: BlockSource; readonly begin: number; readonly end: number }[];

  constructor(sources: readonly BlockSource[]) {
    let end = 0;
    this.#parts = sources.map((source) => ({ source, begin: end, end: (end += source.size) }));
    this.size = end;
  }

  async read(offset: number, length: number, into?: Buffer): Promise<Buffer> {
    checkRange(offset, length, this.size);
    const buffer = (into ?? Buffer.allocUnsafe(length)).subarray(0, length);
    for (const { source, begin, end } of this.#parts) {
      const from = Math.max(offset, begin);
      const to = Math.min(offset + length, end);
      if (from >= to) continue;
      const part = buffer.subarray(from - offset, to - offset);
      const read = await source.read(from - begin, to - from, part);
      if (read.buffer !== part.buffer || read.byteOffset !== part.byteOffset) read.copy(part);
    }
    return buffer;
  }

  async close(): Promise<void> {
    await Promise.all(this.#parts.map(({ source }) => source.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
