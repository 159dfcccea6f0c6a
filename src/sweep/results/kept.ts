import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, existsSync } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openExt4 } from '../../disk/ext4/index.js';
import { lookUp } from '../../disk/lookup.js';
import { openRaw } from '../../disk/source.js';
import type { FileTree } from '../../disk/tree.js';
import { ExitCode, GvaError, HostRefusal, errnoOf, isPassing, messageOf } from '../../system/errors.js';
import { resultFiles } from '../../system/paths.js';
import { whenStarted } from '../../system/process.js';
import type { PointData } from './data-values.js';
import { readPointData } from './point-data.js';

/**
 * The bytes of a file of a point's output, however it is kept; nothing where there is no such regular file, and no link
 * is followed. Who has read enough leaves the loop.
 *
 * @param folder of the point
 * @param path below the output's folder, such as `.gva/NAME.stdout`; empty parts, `.` and `..` lead nowhere
 */
export async function* readKept(folder: string, path: string): AsyncGenerator<Buffer> {
  if (path.includes('\0') || path.split('/').some((part) => ['', '.', '..'].includes(part))) return;
  const [archive, image] = [join(folder, resultFiles.archive), join(folder, resultFiles.image)];
  // Beside one of them, the folder may be half gone.
  if (existsSync(archive)) yield* readArchived(archive, path);
  else if (existsSync(image)) yield* readImaged(image, path);
  else yield* readFile(join(folder, resultFiles.output), path);
}

/** The first bytes of such a file; undefined where there is none, or it is empty. */
export async function readKeptHead(folder: string, path: string, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of readKept(folder, path)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= limit) break;
  }
  return size === 0 ? undefined : Buffer.concat(chunks).subarray(0, limit);
}

/** Milliseconds between attempts to read what cannot be read for now: a second and a half in all. */
const pauses = [50, 100, 200, 400, 800];

/**
 * `readPointData()` of a point whose output is kept in any form.
 *
 * @throws GvaError OUTPUT_READ where the host cannot read it for now: a table without it would be wrong
 */
export async function readKeptData(folder: string): Promise<PointData> {
  for (const pause of [...pauses, undefined])
    try {
      return await readPointData((name, limit) => readKeptHead(folder, name, limit));
    } catch (error) {
      if (pause === undefined || !isPassing(error)) throw unreadableNow(folder, error);
      await sleep(pause);
    }
  throw new Error('not reached');
}

const unreadableNow = (folder: string, error: unknown) =>
  new GvaError('OUTPUT_READ', `the output in ${folder} cannot be read: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'What is done is kept: the same command goes on from there.',
    cause: error,
  });

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, S_IRUSR } = constants;
const chunkSize = 256 << 10;

async function* readFile(output: string, path: string): AsyncGenerator<Buffer> {
  const file = await openRegular(join(output, path));
  if (!file) return;
  try {
    if (!(await file.stat()).isFile()) return;
    for (;;) {
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.allocUnsafe(chunkSize) });
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** Undefined where there is none, or something else. */
async function openRegular(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    // A guest may have left it so that its owner may not read it; else it is the host that refuses.
    if (errnoOf(error) === 'EACCES') {
      const info = await lstat(path).catch(absent);
      if (info) throw (info.mode & S_IRUSR) === 0 ? error : new HostRefusal(error);
    } else absent(error);
    return undefined;
  }
}

/** @throws the error, where it says anything else than that there is no such file */
function absent(error: unknown): void {
  if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR'].includes(errnoOf(error) ?? '')) throw error;
}

/** Of two hard links, tar has the bytes of the first name only. */
async function* readArchived(archive: string, path: string): AsyncGenerator<Buffer> {
  const options = [
    '--force-local',
    '--extract',
    '--to-stdout',
    '--no-recursion',
    '--occurrence=1',
    '--no-wildcards',
  ];
  const tar = await whenStarted(
    spawn('tar', [...options, `--file=${archive}`, '--', `./${path}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    }),
  );
  let said = '';
  tar.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(0, 4096)));
  const closed = once(tar, 'close') as Promise<[number | null]>;
  closed.catch(() => undefined);
  try {
    for await (const chunk of tar.stdout) yield chunk as Buffer;
    const [status] = await closed;
    if (status !== 0 && !onlyMissing(said)) throw unreadable(archive, said);
  } finally {
    tar.kill('SIGKILL');
  }
}

const onlyMissing = (said: string) =>
  said.split('\n').every((line) => /^$|: Not found in archive$|: Exiting with failure status/.test(line));

const unreadable = (archive: string, said: string) =>
  new GvaError('TOOL_FAILED', `tar cannot read ${archive}: ${said.trim()}`, {
    exitCode: ExitCode.infrastructure,
  });

async function* readImaged(image: string, path: string): AsyncGenerator<Buffer> {
  await using source = await openRaw(image);
  const tree = await openExt4(source);
  const folder = outputFolder(tree);
  yield* readTree(tree, folder === '' ? path : `${folder}/${path}`);
}

/** Folder of a kept disk that has the output; all of it where empty. */
export async function outputOfImage(image: string): Promise<string> {
  await using source = await openRaw(image);
  return outputFolder(await openExt4(source));
}

/** An application's disk may have the output with it (guest contract, 1). */
export const outputFolder = ({ label }: FileTree) => (label === 'GVA-APP' ? 'output' : '');

async function* readTree(tree: FileTree, path: string): AsyncGenerator<Buffer> {
  // The tree's reader shows bytes that are no plain text as \xNN.
  const node = await lookUp(tree, path.replaceAll('\\', '\\x5c'), () => undefined);
  if (node?.kind !== 'file') return;
  let at = 0;
  for await (const piece of tree.readFile(node, () => undefined)) {
    if (!piece) continue;
    for (; at < piece.offset; at += chunkSize) yield Buffer.alloc(Math.min(chunkSize, piece.offset - at));
    at = piece.offset + piece.data.length;
    yield Buffer.from(piece.data);
  }
  for (; at < node.size; at += chunkSize) yield Buffer.alloc(Math.min(chunkSize, node.size - at));
}
