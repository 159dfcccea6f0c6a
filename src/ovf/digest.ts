import { createHash, type Hash } from 'node:crypto';
import type { BlockSource } from '../disk/source.js';

/** Digests of manifests and signatures: DSP0243 1.1.0 knows SHA1, 2.x SHA256; the others are met. */
export const digestAlgorithms = ['MD5', 'SHA1', 'SHA256', 'SHA384', 'SHA512'] as const;
export type DigestAlgorithm = (typeof digestAlgorithms)[number];

/** Hexadecimal digits of a digest. */
export const digestLength: Readonly<Record<DigestAlgorithm, number>> = {
  MD5: 32,
  SHA1: 40,
  SHA256: 64,
  SHA384: 96,
  SHA512: 128,
};

/** The algorithm that a file means by `sha256` or `SHA-256`; undefined where it is none that is known. */
export function digestAlgorithm(name: string): DigestAlgorithm | undefined {
  const plain = name.toUpperCase().replace('-', '');
  return digestAlgorithms.find((algorithm) => algorithm === plain);
}

export const hashOf = (algorithm: DigestAlgorithm): Hash => createHash(algorithm.toLowerCase());

/** Bytes that are read while those before are digested. */
const PIECE = 1 << 20;

/** Digest of all bytes of a source, as lower-case hexadecimal. Ends with the signal's reason. */
export async function digestSource(
  source: BlockSource,
  algorithm: DigestAlgorithm,
  signal?: AbortSignal,
): Promise<string> {
  const hash = hashOf(algorithm);
  for await (const piece of piecesOf(source, signal)) hash.update(piece);
  return hash.digest('hex');
}

/**
 * The bytes of a source, in order. Each piece is valid until the next is asked for; that one is being read
 * meanwhile.
 */
export async function* piecesOf(source: BlockSource, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const buffers = [0, 1].map(() => Buffer.allocUnsafe(Math.min(PIECE, source.size)));
  const start = (index: number): Promise<Buffer> | undefined => {
    const offset = index * PIECE;
    if (offset >= source.size) return undefined;
    const read = source.read(offset, Math.min(PIECE, source.size - offset), buffers[index % 2]);
    read.catch(() => undefined); // it is awaited later, or never where the caller stops
    return read;
  };
  let pending = start(0);
  try {
    for (let index = 1; pending !== undefined; index += 1) {
      signal?.throwIfAborted();
      const piece = await pending;
      pending = start(index);
      yield piece;
    }
  } finally {
    await pending?.catch(() => undefined); // nobody may close the source under a read
  }
}
