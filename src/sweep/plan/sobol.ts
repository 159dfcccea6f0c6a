import { directions } from './sobol-directions.js';

/** Dimensions that a Sobol sequence may have. */
export const mostSobolDimensions = directions.length + 1;
/** Points that it may have: they have 32 bits. */
export const mostSobolPoints = 2 ** 32;

/**
 * One dimension of the Sobol sequence in the order of Gray code (Antonov and Saleev, 1979), as 32 bits behind the
 * binary point.
 *
 * @param dimension from 0, below `mostSobolDimensions`
 * @param scramble undefined for the sequence as it was published
 */
export function sobolDimension(dimension: number, scramble: number | undefined): (index: number) => number {
  const vectors = directionVectors(dimension);
  return (index) => {
    let bits = 0;
    let gray = (index ^ (index >>> 1)) >>> 0;
    for (let column = 0; gray !== 0; column++, gray >>>= 1) if (gray & 1) bits ^= vectors[column] ?? 0;
    return scramble === undefined ? bits >>> 0 : owenScrambled(bits, scramble);
  };
}

/** S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional projections", SISC 30, 2008. */
function directionVectors(dimension: number): Uint32Array {
  const vectors = new Uint32Array(32);
  const [polynomial = 0, ...initial] = directions[dimension - 1] ?? [];
  const degree = initial.length;
  for (let column = 0; column < 32; column++) {
    if (dimension === 0) vectors[column] = 2 ** (31 - column);
    else if (column < degree) vectors[column] = (initial[column] ?? 0) << (31 - column);
    else {
      const before = vectors[column - degree] ?? 0;
      let vector = before ^ (before >>> degree);
      for (let k = 1; k < degree; k++)
        if ((polynomial >>> (degree - 1 - k)) & 1) vector ^= vectors[column - k] ?? 0;
      vectors[column] = vector;
    }
  }
  return vectors;
}

/**
 * Nested uniform scrambling (Owen, 1995): each bit is turned or not by a hash of the bits before it, which keeps every
 * evenness of the sequence (B. Burley, "Practical hash-based Owen scrambling", JCGT 9(4), 2020, with the hash of
 * N. Vegdahl, "Building a better LK hash", 2021).
 */
function owenScrambled(bits: number, seed: number): number {
  let x = reversed(bits);
  x ^= Math.imul(x, 0x3d20adea);
  x = (x + seed) | 0;
  x = Math.imul(x, (seed >>> 16) | 1);
  x ^= Math.imul(x, 0x05526c56);
  x ^= Math.imul(x, 0x53a22864);
  return reversed(x);
}

/** The 32 bits in the opposite order. */
function reversed(word: number): number {
  let x = word;
  x = ((x >>> 1) & 0x55555555) | ((x & 0x55555555) << 1);
  x = ((x >>> 2) & 0x33333333) | ((x & 0x33333333) << 2);
  x = ((x >>> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4);
  x = ((x >>> 8) & 0x00ff00ff) | ((x & 0x00ff00ff) << 8);
  return ((x >>> 16) | (x << 16)) >>> 0;
}
