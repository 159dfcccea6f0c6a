import { checkRange, type BlockSource } from '../source.js';

/** A disk of zeros. To be written with `data: []`, which reads none of them. */
export function blankDisk(size: number): BlockSource {
  return {
    size,
    read(offset, length, into = Buffer.allocUnsafe(length)) {
      checkRange(offset, length, size);
      return Promise.resolve(into.fill(0, 0, length).subarray(0, length));
    },
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
