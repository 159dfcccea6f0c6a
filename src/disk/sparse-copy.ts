import { makeSparseFile } from './sparse-file.js';
import { openRaw } from './source.js';

/** Bytes that are read at once. */
const step = 1 << 20;

/**
 * Copies a regular file into a new one; what is all zeros becomes a hole. A link is refused.
 *
 * @throws GvaError IMAGE_OPEN, IMAGE_READ, IMAGE_WRITE
 */
export async function writeSparseCopy(from: string, to: string): Promise<void> {
  await using source = await openRaw(from, 'refused');
  await makeSparseFile(to, source.size, async (file) => {
    for (let at = 0; at < source.size; at += step)
      await file.write(at, await source.read(at, Math.min(step, source.size - at)));
  });
}
