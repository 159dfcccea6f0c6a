import { GvaError } from '../../system/errors.js';
import type { Report } from '../findings.js';
import type { FilePiece } from '../tree.js';
import { blockRuns } from './blocks.js';
import { InodeFlag } from './features.js';
import { inlineContents } from './inline.js';
import type { Inode } from './inode.js';
import type { Volume } from './volume.js';

/** The most that is read at once. */
const PIECE = 1024 * 1024;

/** A stretch of a file within one run; all in bytes. */
interface Stretch {
  /** Offset in the file. */
  offset: number;
  /** Offset in the image. */
  at: number;
  length: number;
}

interface Reading {
  stretch: Stretch;
  /** Never rejects, as it may be awaited late. */
  result: Promise<Buffer | GvaError>;
}

/**
 * The contents of an inode but its holes. While the caller works on one piece the next is read already. A
 * stretch that cannot be read is tried again block by block, what remains unreadable is reported and left out.
 */
export async function* contents(
  volume: Volume,
  inode: Inode,
  report: Report,
): AsyncGenerator<FilePiece | undefined> {
  if (inode.flags & InodeFlag.inlineData) {
    const data = inlineContents(inode, report);
    if (data.length > 0) yield { offset: 0, data };
    return;
  }
  const buffers = new Buffers(Math.min(PIECE, inode.size));
  let pending: Reading | undefined;
  try {
    for await (const stretch of stretches(volume, inode, report)) {
      const next = stretch && startRead(volume, stretch, buffers);
      if (pending) yield* finish(volume, pending, report);
      else yield undefined;
      pending = next;
    }
    if (pending) yield* finish(volume, pending, report);
  } finally {
    await pending?.result; // nobody may close the image under a read
  }
}

/** Two buffers that take turns: one is the caller's, the other is being filled. */
class Buffers {
  readonly #size: number;
  readonly #buffers: [Buffer?, Buffer?] = [];
  #turn: 0 | 1 = 0;

  constructor(size: number) {
    this.#size = size;
  }

  next(): Buffer {
    this.#turn = this.#turn === 0 ? 1 : 0;
    return (this.#buffers[this.#turn] ??= Buffer.allocUnsafe(this.#size));
  }
}

/** Cuts the runs of an inode to its size and into pieces; undefined where there was none in a block of the map. */
async function* stretches(volume: Volume, inode: Inode, report: Report): AsyncGenerator<Stretch | undefined> {
  const { blockSize } = volume;
  for await (const runs of blockRuns(volume, inode, report)) {
    if (runs.length === 0) yield undefined;
    for (const run of runs) {
      const start = run.logical * blockSize;
      const end = Math.min(start + run.count * blockSize, inode.size);
      for (let offset = start; offset < end; offset += PIECE) {
        const at = run.physical * blockSize + (offset - start);
        yield { offset, at, length: Math.min(PIECE, end - offset) };
      }
    }
  }
}

function startRead(volume: Volume, stretch: Stretch, buffers: Buffers): Reading {
  const result = volume.source.read(stretch.at, stretch.length, buffers.next());
  return { stretch, result: result.catch(gvaErrorOnly) };
}

async function* finish(
  volume: Volume,
  { stretch, result }: Reading,
  report: Report,
): AsyncGenerator<FilePiece> {
  const data = await result;
  if (data instanceof GvaError) yield* salvage(volume, stretch, report);
  else yield { offset: stretch.offset, data };
}

async function* salvage(volume: Volume, stretch: Stretch, report: Report): AsyncGenerator<FilePiece> {
  let lost = 0;
  let reason: GvaError | undefined;
  for (let done = 0; done < stretch.length; done += volume.blockSize) {
    const length = Math.min(volume.blockSize, stretch.length - done);
    const data = await volume.source.read(stretch.at + done, length).catch(gvaErrorOnly);
    if (data instanceof GvaError) {
      lost += length;
      reason = data;
    } else yield { offset: stretch.offset + done, data };
  }
  if (reason) report(reason.code, `${lost} bytes from byte ${stretch.offset} on are lost: ${reason.message}`);
}

function gvaErrorOnly(error: unknown): GvaError {
  if (error instanceof GvaError) return error;
  throw error;
}
