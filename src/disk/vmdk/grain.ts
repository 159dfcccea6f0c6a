import { inflate } from 'node:zlib';
import { messageOf } from '../../system/errors.js';
import { corrupt } from './errors.js';
import { grainLength, type Extent } from './extent.js';
import { GRAIN_MARKER_LENGTH, SECTOR } from './format.js';
import type { StoredGrain } from './tables.js';

/** The bytes that the file has of a grain: compressed, or as they are in the disk. */
export function readStored(extent: Extent, grain: StoredGrain): Promise<Buffer> {
  if (extent.compressed) return readCompressed(extent, grain);
  return extent.file.read(grain.at, grainLength(extent, grain.index));
}

/**
 * The marker of a grain has to name this very grain, so that none can be in two places of a disk: what a file
 * expands to is bounded by its own size.
 */
async function readCompressed({ file, grainSize }: Extent, { index, at }: StoredGrain): Promise<Buffer> {
  const marker = await file.read(at, GRAIN_MARKER_LENGTH);
  if (marker.readBigUInt64LE(0) !== BigInt((index * grainSize) / SECTOR))
    throw corrupt(`the marker at byte ${at} is not that of grain ${index}`);
  const length = marker.readUInt32LE(8);
  // Deflate makes what it cannot compress longer by less than a hundredth.
  if (length === 0 || length > 2 * grainSize) throw corrupt(`grain ${index} has ${length} compressed bytes`);
  const start = at + GRAIN_MARKER_LENGTH;
  if (start + length > file.size) throw corrupt(`grain ${index} ends outside the file`);
  return file.read(start, length);
}

/**
 * The bytes of the disk in a grain, from those that the file has. Expands them on libuv's thread pool to one grain
 * at most; their checksum (Adler-32) is verified.
 */
export function expandGrain(extent: Extent, index: number, stored: Buffer): Promise<Buffer> {
  if (!extent.compressed) return Promise.resolve(stored);
  const length = grainLength(extent, index);
  // The buffer is a little longer than a grain: zlib asks for another one when it is full.
  const options = { maxOutputLength: extent.grainSize, chunkSize: extent.grainSize + 64 };
  return new Promise((resolve, reject) => {
    inflate(stored, options, (error, grain) => {
      if (error) reject(corrupt(`grain ${index} cannot be expanded (${messageOf(error)})`, error));
      else if (grain.length < length) reject(corrupt(`grain ${index} has only ${grain.length} bytes`));
      else resolve(grain.subarray(0, length));
    });
  });
}
