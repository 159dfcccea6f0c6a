import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { GvaError, messageOf } from '../system/errors.js';
import { publishFile } from '../system/files.js';
import type { FileContent } from './medium-entry.js';

/** Bytes that belong at an offset of an image. */
export interface ImagePart {
  offset: number;
  content: FileContent;
}

/** An image that is planned: its size in bytes, and its parts, with zeros between them. */
export interface Image {
  size: number;
  parts: ImagePart[];
}

/**
 * The image in memory.
 *
 * @throws TypeError for a part that comes from a source file
 */
export function imageBytes({ size, parts }: Image): Uint8Array {
  const image = new Uint8Array(size);
  for (const { offset, content } of parts) {
    if (!(content instanceof Uint8Array))
      throw new TypeError(`an image in memory cannot read ${content.source}`);
    image.set(content, offset);
  }
  return image;
}

const copyChunk = 1024 * 1024;

/**
 * Writes an image. The file appears whole and synced, or not at all.
 *
 * @throws GvaError MEDIUM_SOURCE for a source file that cannot be read or has not the size announced
 */
export async function writeImage(file: string, { size, parts }: Image): Promise<void> {
  await publishFile(file, async (temporary) => {
    const image = await open(temporary, 'wx');
    try {
      for (const { offset, content } of parts) {
        if (content instanceof Uint8Array) await writeAll(image, content, offset);
        else await copySource(image, offset, content);
      }
      await image.truncate(size);
    } finally {
      await image.close();
    }
  });
}

async function copySource(
  image: FileHandle,
  offset: number,
  { source, size }: { source: string; size: number },
): Promise<void> {
  const input = await openSource(source);
  try {
    const info = await input.stat();
    if (!info.isFile()) throw sourceError(source, 'it is not a regular file');
    // One byte more than announced, so that a file that grew does not pass.
    const buffer = Buffer.allocUnsafe(Math.min(copyChunk, size + 1));
    let copied = 0;
    for (;;) {
      const { bytesRead } = await input.read(buffer, 0, buffer.length, copied);
      if (bytesRead === 0) break;
      if (copied + bytesRead > size)
        throw sourceError(source, `it is larger than the announced ${size} bytes`);
      await writeAll(image, buffer.subarray(0, bytesRead), offset + copied);
      copied += bytesRead;
    }
    if (copied < size) throw sourceError(source, `it has ${copied} bytes, ${size} were announced`);
  } finally {
    await input.close();
  }
}

async function openSource(source: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK opening a named pipe would wait for its writer.
    return await open(source, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw sourceError(source, messageOf(error), error);
  }
}

function sourceError(source: string, reason: string, cause?: unknown): GvaError {
  return new GvaError('MEDIUM_SOURCE', `cannot put ${source} on the medium: ${reason}`, { cause });
}

async function writeAll(image: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await image.write(bytes, written, bytes.length - written, offset + written);
    written += bytesWritten;
  }
}
