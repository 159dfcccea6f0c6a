import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { type BlockSource, openRaw } from '../../disk/source.js';
import { runTool } from '../../system/process.js';

/** A stretch of an image, in bytes. */
export type Range = readonly [offset: number, length: number];

/** How one image differs from another. */
export interface Changes {
  /** Bytes of the image. */
  readonly size: number;
  /** Ascending; what they hold lies one after another in the file of changes. */
  readonly ranges: readonly Range[];
  /** SHA-256 of the file of changes. */
  readonly sha256: string;
}

/** Bytes that are compared, and kept, at once. */
const grain = 64 << 10;
const chunk = 1 << 20;

/**
 * Writes what is other in an image than in `original` into a new file. What is beyond the end of the original counts
 * as zeros there.
 */
export async function writeChanges(image: string, original: string, file: string): Promise<Changes> {
  await using one = await openRaw(image);
  await using other = await openRaw(original);
  const output = await open(file, 'wx');
  try {
    const hash = createHash('sha256');
    const ranges: [number, number][] = [];
    let written = 0;
    for (let at = 0; at < one.size; at += chunk) {
      const length = Math.min(chunk, one.size - at);
      const [now, before] = [await one.read(at, length), await readOrZeros(other, at, length)];
      if (now.equals(before)) continue;
      for (let start = 0; start < length; start += grain) {
        const piece = now.subarray(start, Math.min(start + grain, length));
        if (piece.equals(before.subarray(start, start + piece.length))) continue;
        await output.write(piece, 0, piece.length, written);
        hash.update(piece);
        written += piece.length;
        addRange(ranges, at + start, piece.length);
      }
    }
    await output.sync();
    return { size: one.size, ranges, sha256: hash.digest('hex') };
  } finally {
    await output.close();
  }
}

async function readOrZeros(source: BlockSource, at: number, length: number): Promise<Buffer> {
  const present = Math.max(0, Math.min(length, source.size - at));
  const buffer = Buffer.alloc(length);
  if (present > 0) (await source.read(at, present)).copy(buffer);
  return buffer;
}

function addRange(ranges: [number, number][], offset: number, length: number): void {
  const last = ranges.at(-1);
  if (last && last[0] + last[1] === offset) last[1] += length;
  else ranges.push([offset, length]);
}

/** Makes the image again: a new file, a copy of the original with the changes in it. */
export async function applyChanges(
  original: string,
  changes: { readonly file: string } & Pick<Changes, 'size' | 'ranges'>,
  image: string,
  signal?: AbortSignal,
): Promise<void> {
  await copyImage(original, image, signal);
  const target = await open(image, 'r+');
  try {
    await target.truncate(changes.size);
    await using source = await openRaw(changes.file);
    let from = 0;
    for (const [offset, length] of changes.ranges) {
      await copyRange(source, from, target, offset, length);
      from += length;
      signal?.throwIfAborted();
    }
  } finally {
    await target.close();
  }
}

async function copyRange(
  source: BlockSource,
  from: number,
  target: FileHandle,
  offset: number,
  length: number,
): Promise<void> {
  for (let done = 0; done < length; done += chunk) {
    const part = await source.read(from + done, Math.min(chunk, length - done));
    await target.write(part, 0, part.length, offset + done);
  }
}

/** A copy that its owner can write; holes stay holes, and where the file system can, nothing is copied yet. */
export async function copyImage(original: string, image: string, signal?: AbortSignal): Promise<void> {
  const options = ['--sparse=always', '--reflink=auto', '--no-preserve=mode'];
  await runTool('cp', [...options, '--', original, image], signal ? { signal } : {});
}
