import { createHash } from 'node:crypto';
import { type FileHandle, chmod, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeSparseFile } from '../../disk/sparse-file.js';
import type { GridImage } from '../../model/grid.js';
import { ExitCode, GvaError, errnoOf } from '../../system/errors.js';
import { syncPath, temporarySibling } from '../../system/files.js';
import { formatSize } from '../../system/units.js';
import type { Patience } from './persistently.js';

/** Bytes that are read at once, and that become a hole where they are all zeros. */
const [chunk, piece] = [1 << 20, 64 << 10];
/** Milliseconds between words about how far it is. */
const reportEvery = 10_000;

/**
 * Copies an image of the sweep's folder to the node. It appears under its name when all of it is there and has the
 * digest that it should have.
 *
 * @throws GvaError IMAGE_DIGEST where the image is not what it should be, IMAGE_WRITE where the node cannot take it;
 *   Error where it cannot be read
 */
export async function copyImage(
  source: string,
  target: string,
  image: GridImage,
  patience: Patience,
): Promise<void> {
  const temporary = temporarySibling(target);
  try {
    await makeSparseFile(temporary, image.size, (file) => pour(source, file, image, patience));
    await chmod(temporary, 0o444);
    await syncPath(temporary);
    await rename(temporary, target);
    await syncPath(dirname(target));
  } finally {
    await rm(temporary, { force: true });
  }
}

async function pour(
  source: string,
  target: { write(offset: number, bytes: Buffer): Promise<void> },
  image: GridImage,
  { signal, log }: Patience,
): Promise<void> {
  await using input = await open(source);
  const hash = createHash('sha256');
  let [offset, reported] = [0, performance.now()];
  for (;;) {
    signal.throwIfAborted();
    const bytes = await readChunk(input, offset);
    if (bytes.length === 0) break;
    hash.update(bytes);
    for (let at = 0; at < bytes.length; at += piece)
      await target.write(offset + at, bytes.subarray(at, at + piece));
    offset += bytes.length;
    if (performance.now() - reported < reportEvery) continue;
    reported = performance.now();
    log(`${formatSize(offset)} of ${formatSize(image.size)} are copied`);
  }
  if (offset !== image.size || hash.digest('hex') !== image.sha256) throw wrongDigest(source);
}

/** The bytes are the reader's to keep. */
async function readChunk(input: FileHandle, offset: number): Promise<Buffer> {
  const { buffer, bytesRead } = await input.read(Buffer.allocUnsafe(chunk), 0, chunk, offset);
  return buffer.subarray(0, bytesRead);
}

export const wrongDigest = (path: string) =>
  new GvaError('IMAGE_DIGEST', `the image ${path} is damaged: it has not the digest that is its name`, {
    exitCode: ExitCode.infrastructure,
    hint: 'Remove it and resume the sweep: gva copies it there again.',
  });

/** Whether the node's disk has no room for more, or what is left of it is not for this user. */
export const isFull = (error: unknown) =>
  error instanceof GvaError &&
  error.code === 'IMAGE_WRITE' &&
  ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(errnoOf(error.cause) ?? '');
