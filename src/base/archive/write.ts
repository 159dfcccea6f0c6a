import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BaseFile, BaseManifest } from '../../model/base.js';
import { TAR_BLOCK } from '../../ovf/tar/header.js';
import { ustarHeader } from '../../ovf/tar/writer.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { publishFile } from '../../system/files.js';
import { baseFiles } from '../../system/paths.js';
import { findProgram, toolEnvironment, toolMissing, whenStarted } from '../../system/process.js';
import type { Base } from '../store.js';
import { type DataRange, PIECE, dataLength, dataRanges, sparseMap } from './sparse-map.js';

/**
 * Writes a base into one file: a tar archive, compressed by zstd, of `base.json` and the base's files, sparse ones as GNU tar
 * has them. Of the disk for packages, the root's bytes are left out: they are those of the root's image. The file appears
 * whole or not at all.
 *
 * @throws GvaError EXPORT_WRITE, TOOL_MISSING
 */
export async function exportBase(base: Base, target: string, signal: AbortSignal): Promise<void> {
  const zstd = await findProgram('zstd');
  if (zstd === undefined) throw toolMissing('zstd');
  await publishFile(target, async (temporary) => {
    const args = ['-q', '-T0', '-6', '--long=24', '-f', '-o', temporary];
    const child = await whenStarted(
      spawn(zstd, args, { stdio: ['pipe', 'ignore', 'pipe'], env: toolEnvironment() }),
    );
    const said: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    const ended = once(child, 'close') as Promise<[number | null]>;
    try {
      await pipeline(Readable.from(members(base), { objectMode: false }), child.stdin, { signal });
      const [status] = await ended;
      if (status !== 0) throw new Error(Buffer.concat(said).toString().trim() || 'zstd failed');
    } catch (error) {
      child.kill('SIGKILL');
      await ended;
      throw error;
    }
  }).catch((error: unknown) => {
    throw error instanceof GvaError ? error : exportError(target, error);
  });
}

const exportError = (target: string, error: unknown) =>
  new GvaError('EXPORT_WRITE', `cannot write ${target}: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    cause: error,
  });

async function* members(base: Base): AsyncGenerator<Buffer> {
  const { folder, ...manifest } = base;
  delete manifest.imported;
  const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  yield Buffer.concat([ustarHeader(baseFiles.manifest, text.length), text, padding(text.length)]);
  for (const { file, leaveOut } of archivedFiles(manifest)) {
    await using handle = await open(join(folder, file.name), 'r');
    yield* sparseMember(file, { handle, leaveOut });
  }
  yield Buffer.alloc(2 * TAR_BLOCK);
}

/** The files of a base as they are in an archive, in this order. */
export function archivedFiles(base: Pick<BaseManifest, 'files'>): { file: BaseFile; leaveOut?: DataRange }[] {
  const { root, kernel, initrd, disk } = base.files;
  if (!root) return [{ file: disk }];
  const others = [root, kernel, initrd].map((file) => ({ file }));
  if (!disk) return others;
  return [...others, { file: disk, leaveOut: { offset: disk.rootOffset, length: root.size } }];
}

async function* sparseMember(
  { name, size }: BaseFile,
  { handle, leaveOut }: { handle: FileHandle; leaveOut: DataRange | undefined },
): AsyncGenerator<Buffer> {
  const ranges = await dataRanges(handle, leaveOut);
  const map = sparseMap(ranges, size);
  const stored = map.length + dataLength(ranges);
  const records = { major: '1', minor: '0', name, realsize: String(size) };
  yield paxHeader(records);
  yield Buffer.concat([ustarHeader(name, stored), map]);
  for (const { offset, length } of ranges)
    for (let done = 0; done < length;) {
      const piece = Buffer.allocUnsafe(Math.min(16 * PIECE, length - done));
      const { bytesRead } = await handle.read(piece, 0, piece.length, offset + done);
      if (bytesRead === 0) throw new Error(`${name} has become shorter`);
      yield piece.subarray(0, bytesRead);
      done += bytesRead;
    }
  // An empty piece would be the end of the stream.
  if (stored % TAR_BLOCK !== 0) yield padding(stored);
}

/** An extended header (POSIX.1-2017, pax) that says of the member that follows that it is sparse. */
function paxHeader(records: Readonly<Record<string, string>>): Buffer {
  const text = Object.entries(records)
    .map(([key, value]) => recordOf(`GNU.sparse.${key}=${value}\n`))
    .join('');
  const header = ustarHeader('PaxHeader', text.length, 0, 'x');
  return Buffer.concat([header, Buffer.from(text, 'latin1'), padding(text.length)]);
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function recordOf(rest: string): string {
  let length = rest.length + 2;
  while (`${length} ${rest}`.length !== length) length++;
  return `${length} ${rest}`;
}

const padding = (size: number) => Buffer.alloc((TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK);
