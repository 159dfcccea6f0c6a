import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf } from '../../system/errors.js';

const { O_RDONLY, O_NONBLOCK } = constants;

/**
 * The text of a small file that somebody else may have written; undefined where there is none.
 *
 * @param limit bytes
 * @throws Error where it is longer, or no regular file
 */
export async function readCapped(path: string, limit: number): Promise<string | undefined> {
  try {
    // A FIFO would be waited for.
    await using file = await open(path, O_RDONLY | O_NONBLOCK);
    const info = await file.stat();
    if (!info.isFile()) throw new Error('it is not a regular file');
    if (info.size > limit) throw new Error(`it is longer than ${limit} bytes`);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(info.size) });
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
