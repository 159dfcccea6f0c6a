import { constants } from 'node:fs';
import { readSync } from 'node:fs';
import { lstat, open, stat, type FileHandle } from 'node:fs/promises';
import { GvaError, messageOf } from '../system/errors.js';

/**
 * The bytes of a disk as the guest sees them, read only. Sizes and offsets are in bytes.
 *
 * `read` returns exactly `length` bytes or throws a GvaError: IMAGE_RANGE where the range is not inside the
 * image, IMAGE_READ where the host could not read it, IMAGE_CORRUPT where a container format contradicts
 * itself. Where `into` is given (at least `length` long) the result may be a view of it.
 */
export interface BlockSource extends AsyncDisposable {
  readonly size: number;
  read(offset: number, length: number, into?: Buffer): Promise<Buffer>;
  close(): Promise<void>;
}

/** Below this many bytes a blocking read (3 us from the page cache) beats a trip to the thread pool (40 us). */
const BLOCKING_READ = 128 * 1024;

/**
 * Opens a file as a disk of the same bytes. Only regular files: a FIFO would block for ever.
 *
 * @param links `refused` where somebody else may have put a link in the place of the file
 */
export async function openRaw(
  path: string,
  links: 'followed' | 'refused' = 'followed',
): Promise<BlockSource> {
  const handle = await openRegular(path, links);
  try {
    return new RawSource(handle, (await handle.stat()).size);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openRegular(path: string, links: 'followed' | 'refused'): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW } = constants;
  const [look, flags] = links === 'followed' ? [stat, O_RDONLY] : [lstat, O_RDONLY | O_NOFOLLOW];
  try {
    if ((await look(path)).isFile()) return await open(path, flags);
  } catch (error) {
    throw new GvaError('IMAGE_OPEN', `cannot open the image ${path}: ${messageOf(error)}`, { cause: error });
  }
  throw new GvaError('IMAGE_OPEN', `the image ${path} is not a regular file`);
}

/** Throws IMAGE_RANGE unless `offset` and `length` are whole numbers that lie inside `size` bytes. */
export function checkRange(offset: number, length: number, size: number): void {
  const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!valid || offset + length > size) {
    throw new GvaError('IMAGE_RANGE', `bytes ${offset}+${length} are outside the image of ${size} bytes`);
  }
}

class RawSource implements BlockSource {
  readonly size: number;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  async read(offset: number, length: number, into?: Buffer): Promise<Buffer> {
    checkRange(offset, length, this.size);
    const buffer = into ?? Buffer.allocUnsafe(length);
    for (let done = 0; done < length;) {
      const count = await this.#readSome(buffer, done, length - done, offset + done);
      if (count === 0) throw new GvaError('IMAGE_READ', `the image ended early, at byte ${offset + done}`);
      done += count;
    }
    return buffer.length === length ? buffer : buffer.subarray(0, length);
  }

  #readSome(buffer: Buffer, at: number, length: number, offset: number): number | Promise<number> {
    const failed = (error: unknown) =>
      new GvaError('IMAGE_READ', `cannot read the image at byte ${offset}: ${messageOf(error)}`, {
        cause: error,
      });
    if (length > BLOCKING_READ) {
      return this.#handle.read(buffer, at, length, offset).then(
        (result) => result.bytesRead,
        (error: unknown) => {
          throw failed(error);
        },
      );
    }
    try {
      return readSync(this.#handle.fd, buffer, at, length, offset);
    } catch (error) {
      throw failed(error);
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
