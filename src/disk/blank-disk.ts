import { type FileHandle, open } from 'node:fs/promises';
import { type Ext4Options, makeExt4 } from './ext4-image.js';

interface Piece {
  readonly at: number;
  readonly bytes: Buffer;
}

/** Bytes of the largest disk that is looked through for what is not zero. */
const largest = 256 << 20;
/** Bytes: the file system's block, so that as little as possible is written. */
const block = 4096;

/** By label and size: what of an empty file system is not zero, some 30 KB. */
const known = new Map<string, Promise<readonly Piece[]>>();

/**
 * Makes an empty ext4 file system in a new sparse file, as `makeExt4` does. Of the same label and size it is always the
 * same bytes, so that this process asks mke2fs for them once and writes them itself from then on: 12 ms sooner.
 *
 * @throws GvaError as `makeExt4`
 */
export async function makeBlankDisk(path: string, label: string, size: number): Promise<void> {
  const options: Ext4Options = { label, size };
  if (size > largest) return makeExt4(path, options);
  const name = `${label} ${size}`;
  const pieces = known.get(name);
  if (!pieces) {
    await makeExt4(path, options);
    const found = readPieces(path, size);
    known.set(name, found);
    found.catch(() => known.delete(name));
    await found;
    return;
  }
  const content = await pieces;
  const handle = await open(path, 'wx');
  try {
    await handle.truncate(size);
    for (const { at, bytes } of content) await handle.write(bytes, 0, bytes.length, at);
  } finally {
    await handle.close();
  }
}

async function readPieces(path: string, size: number): Promise<readonly Piece[]> {
  const handle = await open(path, 'r');
  try {
    const pieces: Piece[] = [];
    for await (const { at, bytes } of blocks(handle, size)) {
      const last = pieces.at(-1);
      if (last && last.at + last.bytes.length === at)
        pieces[pieces.length - 1] = { at: last.at, bytes: Buffer.concat([last.bytes, bytes]) };
      else pieces.push({ at, bytes: Buffer.from(bytes) });
    }
    return pieces;
  } finally {
    await handle.close();
  }
}

/** The blocks that are not all zeros. */
async function* blocks(handle: FileHandle, size: number): AsyncGenerator<Piece> {
  const buffer = Buffer.allocUnsafe(1 << 20);
  const zeros = Buffer.alloc(block);
  for (let start = 0; start < size; start += buffer.length) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
    for (let offset = 0; offset < bytesRead; offset += block) {
      const bytes = buffer.subarray(offset, Math.min(offset + block, bytesRead));
      if (!bytes.equals(zeros.subarray(0, bytes.length))) yield { at: start + offset, bytes };
    }
  }
}
