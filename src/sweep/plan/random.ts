/** What the numbers of one seed are for, so that no two uses see the same ones. */
export const stream = { axis: 1, sample: 2, strata: 3, jitter: 4, scramble: 5, repeat: 6 } as const;

/**
 * Random numbers by their place instead of one after the other: the numbers of any point can be had at once, and are
 * the same on every machine. They are Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011).
 */
export class Random {
  readonly #key: readonly [number, number];
  readonly #stream: number;

  /**
   * @param seed an integer from 0, below 2^53
   * @param use one of `stream`
   * @param name tells apart uses of one kind
   */
  constructor(seed: number, use: number, name = '') {
    this.#key = [seed >>> 0, Math.floor(seed / 2 ** 32)];
    this.#stream = (fnv1a(name) ^ Math.imul(use, 0x9e3779b1)) >>> 0;
  }

  /** Four numbers of 32 bits. */
  words(index: number, part: number): Words {
    return philox([index >>> 0, Math.floor(index / 2 ** 32) >>> 0, part, this.#stream], this.#key);
  }

  /** Two numbers from 0, below 1, with 53 bits each. */
  pair(index: number, part: number): [number, number] {
    const [a, b, c, d] = this.words(index, part);
    return [fraction(a, b), fraction(c, d)];
  }
}

export type Words = readonly [number, number, number, number];

/** Ten rounds of Philox4x32. */
export function philox(counter: Words, key: readonly [number, number]): Words {
  let [a, b, c, d] = counter;
  let [k, l] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = [highProduct(0xd2511f53, a), Math.imul(0xd2511f53, a)];
    const [high1, low1] = [highProduct(0xcd9e8d57, c), Math.imul(0xcd9e8d57, c)];
    a = (high1 ^ b ^ k) >>> 0;
    b = low1 >>> 0;
    c = (high0 ^ d ^ l) >>> 0;
    d = low0 >>> 0;
    k = (k + 0x9e3779b9) >>> 0;
    l = (l + 0xbb67ae85) >>> 0;
  }
  return [a, b, c, d];
}

/** The upper 32 bits of the product of two numbers of 32 bits. */
function highProduct(x: number, y: number): number {
  const [xh, xl, yh, yl] = [x >>> 16, x & 0xffff, y >>> 16, y & 0xffff];
  const middle = xh * yl + ((xl * yl) >>> 16);
  const carry = xl * yh + (middle & 0xffff);
  return (xh * yh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

const fraction = (high: number, low: number) => ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;

/** FNV-1a of 32 bits over the UTF-16 units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
}
