import { GvaError } from '../system/errors.js';
import type { Report } from './findings.js';
import type { BlockSource } from './source.js';
import type { FilePiece } from './tree.js';

/** The most that is read at once, bytes. */
const PIECE = 1024 * 1024;

/** A stretch of a file that lies in the image as one; all in bytes. */
export interface Stretch {
  /** Offset in the file. */
  offset: number;
  /** Offset in the image. */
  at: number;
  length: number;
}

/** Cuts a stretch of any length into pieces that are read at once. */
export function* pieces({ offset, at, length }: Stretch): Generator<Stretch> {
  for (let done = 0; done < length; done += PIECE) {
    yield { offset: offset + done, at: at + done, length: Math.min(PIECE, length - done) };
  }
}

/** Where the bytes of a file are, and how to read them. */
export interface StretchedFile {
  source: BlockSource;
  /** Bytes that are tried alone where a stretch cannot be read as a whole. */
  blockSize: number;
  /** Bytes of the file. */
  size: number;
  /** As by `pieces`, all inside the image; undefined where finding the next took a while. */
  stretches: AsyncIterable<Stretch | undefined>;
}

/**
 * The contents of a file but its holes. While the caller works on one piece the next is read already. A
 * stretch that cannot be read is tried again block by block, what remains unreadable is reported and left out.
 */
export async function* readStretches(
  file: StretchedFile,
  report: Report,
): AsyncGenerator<FilePiece | undefined> {
  const buffers = new Buffers(Math.min(PIECE, file.size));
  let pending: Reading | undefined;
  try {
    for await (const stretch of file.stretches) {
      const next = stretch && startRead(file, stretch, buffers);
      if (pending) yield* finish(file, pending, report);
      else yield undefined;
      pending = next;
    }
    if (pending) yield* finish(file, pending, report);
  } finally {
    await pending?.result; // nobody may close the image under a read
  }
}

interface Reading {
  stretch: Stretch;
  /** Never rejects, as it may be awaited late. */
  result: Promise<Buffer | GvaError>;
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

function startRead({ source }: StretchedFile, stretch: Stretch, buffers: Buffers): Reading {
  const result = source.read(stretch.at, stretch.length, buffers.next());
  return { stretch, result: result.catch(gvaErrorOnly) };
}

async function* finish(
  file: StretchedFile,
  { stretch, result }: Reading,
  report: Report,
): AsyncGenerator<FilePiece> {
  const data = await result;
  if (data instanceof GvaError) yield* salvage(file, stretch, report);
  else yield { offset: stretch.offset, data };
}

async function* salvage(
  { source, blockSize }: StretchedFile,
  stretch: Stretch,
  report: Report,
): AsyncGenerator<FilePiece> {
  let lost = 0;
  let reason: GvaError | undefined;
  for (let done = 0; done < stretch.length; done += blockSize) {
    const length = Math.min(blockSize, stretch.length - done);
    const data = await source.read(stretch.at + done, length).catch(gvaErrorOnly);
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
