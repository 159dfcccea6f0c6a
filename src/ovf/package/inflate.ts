import { spawn, type ChildProcess } from 'node:child_process';
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { BlockSource } from '../../disk/source.js';
import { ExitCode, GvaError, errnoOf, messageOf } from '../../system/errors.js';
import { publishFile } from '../../system/files.js';
import { findProgram, packageOfTool, whenStarted } from '../../system/process.js';
import { formatSize } from '../../system/units.js';
import { piecesOf } from '../digest.js';
import { limitError } from './limits.js';

export type Compression = 'gzip' | 'xz';

/** By the first bytes (RFC 1952, 2.3.1; the .xz file format, 2.1.1.1). */
export async function compressionOf(file: BlockSource): Promise<Compression | undefined> {
  const start = (await file.read(0, Math.min(6, file.size))).toString('latin1');
  if (start.startsWith('\x1f\x8b')) return 'gzip';
  return start === '\xfd7zXZ\0' ? 'xz' : undefined;
}

export interface InflateOptions {
  /** For messages. */
  readonly what: string;
  /** Bytes it may expand to. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Expands a compressed file into a new file, which appears whole or not at all. Blocks of zeros become holes.
 *
 * @throws GvaError PACKAGE_LIMIT, PACKAGE_CORRUPT, PACKAGE_WRITE, TOOL_MISSING (xz)
 */
export async function inflate(
  source: BlockSource,
  compression: Compression,
  target: string,
  options: InflateOptions,
): Promise<void> {
  // Streams that are destroyed at the first error tell of a later one.
  let refused: unknown;
  const consume = (file: FileHandle) => async (expanded: AsyncIterable<Buffer>) => {
    await writeExpanded(file, expanded, options).catch((error: unknown) => {
      refused ??= error;
      throw error;
    });
  };
  try {
    await publishFile(target, async (temporary) => {
      const file = await open(temporary, 'wx');
      try {
        const through = compression === 'gzip' ? throughGzip : throughXz;
        await through(source, consume(file), options.signal);
      } finally {
        await file.close();
      }
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    throw asGvaError(refused instanceof GvaError ? refused : error, options.what);
  }
}

type Consume = (expanded: AsyncIterable<Buffer>) => Promise<void>;

/** Bytes of what comes out of the decompressor at once. */
const PIECE = 256 * 1024;

async function throughGzip(source: BlockSource, consume: Consume, signal?: AbortSignal): Promise<void> {
  await pipeline(Readable.from(piecesOf(source, signal)), createGunzip({ chunkSize: PIECE }), consume);
}

/** Enough for `xz -9`, which wants 65 MiB. */
const XZ_MEMORY = '--memlimit-decompress=512MiB';

/** The tool reads its standard input and is given no name. */
async function throughXz(source: BlockSource, consume: Consume, signal?: AbortSignal): Promise<void> {
  const program = await findProgram('xz');
  if (program === undefined)
    throw new GvaError('TOOL_MISSING', 'the program xz is not installed', {
      exitCode: ExitCode.infrastructure,
      hint: `Install it: apt-get install ${packageOfTool['xz'] ?? 'xz'}`,
    });
  const xz = await whenStarted(spawn(program, ['--decompress', '--stdout', '--format=xz', XZ_MEMORY]));
  const ended = endOf(xz);
  // Where xz ends early its exit status says why, and not that its input could not be written.
  const fed = pipeline(Readable.from(piecesOf(source, signal)), xz.stdin).catch((error: unknown) => {
    if (errnoOf(error) !== 'EPIPE' && errnoOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  });
  const consumed = consume(xz.stdout);
  try {
    await Promise.all([fed, consumed, ended]);
  } finally {
    xz.kill('SIGKILL');
    await Promise.allSettled([fed, consumed, ended]); // nobody may close a file that is being read or written
  }
}

async function endOf(xz: ChildProcess): Promise<void> {
  let said = '';
  xz.stderr?.on('data', (text: Buffer) => {
    if (said.length < 1000) said += text.toString('utf8');
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    xz.once('error', reject);
    xz.once('close', resolve);
  });
  if (status !== 0) throw new Error(said.trim() || 'xz was ended');
}

async function writeExpanded(
  file: FileHandle,
  expanded: AsyncIterable<Buffer>,
  { what, limit }: InflateOptions,
): Promise<void> {
  let at = 0;
  for await (const piece of expanded) {
    if (at + piece.length > limit)
      throw limitError('inflated', `${what} expands to more than ${formatSize(limit)}`);
    if (!isZero(piece)) await writing(() => file.write(piece, 0, piece.length, at));
    at += piece.length;
  }
  await writing(() => file.truncate(at));
}

const ZEROS = Buffer.alloc(PIECE);
const isZero = (piece: Buffer) => piece.length <= PIECE && piece.equals(ZEROS.subarray(0, piece.length));

async function writing(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw cannotWrite(error);
  }
}

const cannotWrite = (error: unknown) =>
  new GvaError('PACKAGE_WRITE', `cannot write what the package expands to: ${messageOf(error)}`, {
    cause: error,
    exitCode: ExitCode.infrastructure,
  });

function asGvaError(error: unknown, what: string): unknown {
  if (error instanceof GvaError) return error;
  // Only the file that is made has system calls; what remains is what the decompressor says.
  if (error instanceof Error && 'syscall' in error) return cannotWrite(error);
  return new GvaError('PACKAGE_CORRUPT', `${what} cannot be expanded: ${messageOf(error)}`, { cause: error });
}
