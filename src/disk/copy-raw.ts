import { makeSparseFile } from './sparse-file.js';
import type { BlockSource } from './source.js';

const step = 1 << 20;

/**
 * Copies a disk into a new raw image; zeros become holes. Neither synced nor renamed into place; where it fails, it is
 * removed.
 *
 * @throws GvaError as the disk's reading, or IMAGE_WRITE
 */
export function copyToRaw(disk: BlockSource, target: string, signal?: AbortSignal): Promise<void> {
  return makeSparseFile(target, disk.size, async (file) => {
    for (let at = 0; at < disk.size; at += step) {
      signal?.throwIfAborted();
      await file.write(at, await disk.read(at, Math.min(step, disk.size - at)));
    }
  });
}
