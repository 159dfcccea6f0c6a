import { open, rm, type FileHandle } from 'node:fs/promises';
import { ExitCode, GvaError, messageOf } from '../system/errors.js';

/** Bytes that are written at once. */
const RUN = 1024 * 1024;

/**
 * Makes a file by `fill`, which writes it from its beginning to its end. What is not written, and every piece that
 * is all zeros, becomes a hole. Neither synced nor renamed into place; where it fails, it is removed.
 *
 * @throws GvaError IMAGE_WRITE where the host cannot write it, or what `fill` throws
 */
export async function makeSparseFile<T>(
  path: string,
  size: number,
  fill: (file: SparseFile) => Promise<T>,
): Promise<T> {
  const handle = await hostWrite(path, open(path, 'wx', 0o600));
  try {
    const file = new SparseFile(path, handle);
    const result = await fill(file);
    await file.flush();
    await hostWrite(path, handle.truncate(size));
    await hostWrite(path, handle.close());
    return result;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(path, { force: true });
    throw error;
  }
}

export class SparseFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  /** Adjacent pieces that are not yet written. */
  #run: Buffer[] = [];
  #start = 0;
  #length = 0;

  constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** Offsets only grow. The bytes are the file's from here on. */
  async write(offset: number, bytes: Buffer): Promise<void> {
    if (isZero(bytes)) return;
    if (offset !== this.#start + this.#length || this.#length >= RUN) {
      await this.flush();
      this.#start = offset;
    }
    this.#run.push(bytes);
    this.#length += bytes.length;
  }

  async flush(): Promise<void> {
    const bytes = this.#run.length === 1 ? this.#run[0] : Buffer.concat(this.#run, this.#length);
    const start = this.#start;
    this.#start += this.#length;
    this.#run = [];
    this.#length = 0;
    for (let done = 0; bytes && done < bytes.length;) {
      const rest = bytes.length - done;
      done += (await hostWrite(this.#path, this.#handle.write(bytes, done, rest, start + done))).bytesWritten;
    }
  }
}

async function hostWrite<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new GvaError('IMAGE_WRITE', `cannot write the image ${path}: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      cause: error,
    });
  }
}

const ZEROS = Buffer.alloc(64 * 1024);

function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const piece = bytes.subarray(at, at + ZEROS.length);
    if (!piece.equals(piece.length === ZEROS.length ? ZEROS : ZEROS.subarray(0, piece.length))) return false;
  }
  return true;
}
