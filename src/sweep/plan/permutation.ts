import type { Random } from './random.js';

const rounds = 8;

/**
 * A random permutation of the numbers below `count` (at most 2^52) that needs no memory: a Feistel network over a power
 * of 4, applied again while its result is too large ("cycle walking"; Black and Rogaway, "Ciphers with arbitrary
 * finite domains", CT-RSA 2002).
 *
 * @param index of the random numbers that make the permutation
 */
export function permutation(count: number, random: Random, index = 0): (number: number) => number {
  // Few halves would make few permutations: a small set is walked within a larger one.
  const bits = Math.max(5, Math.ceil(Math.log2(Math.max(count, 2)) / 2));
  const half = 2 ** bits;
  const mask = half - 1;
  const keys = Array.from({ length: rounds / 4 }, (_, part) => random.words(index, part)).flat();
  const once = (number: number) => {
    let left = Math.floor(number / half);
    let right = number & mask;
    for (const key of keys) [left, right] = [right, left ^ (mix(right ^ key) & mask)];
    return left * half + right;
  };
  return (number) => {
    let image = once(number);
    while (image >= count) image = once(image);
    return image;
  };
}

/** The finalizer of MurmurHash3: every bit of the result hangs on every bit of the word. */
export function mix(word: number): number {
  let x = word;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
