import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, open, readFile, readlink, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GvaError, errnoOf } from './errors.js';
import { renameOnce } from './lost-replies.js';
import { freshSibling, temporarySibling } from './temporary.js';

export { freshSibling, temporarySibling };

/**
 * Makes the file `path` by `produce`, which writes the temporary file whose name it is given. The file
 * appears under its name whole and synced, or not at all. What a killed process has left of its own attempt is removed.
 *
 * @throws GvaError OUT_SPECIAL
 */
export async function publishFile(
  path: string,
  produce: (temporary: string) => Promise<void>,
): Promise<void> {
  await refuseSpecial(path);
  const temporary = await freshSibling(path);
  try {
    await produce(temporary);
    await syncPath(temporary);
    await renameOnce(temporary, path);
    await syncPath(dirname(path));
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * A rename would put a file where a device or a pipe is: root would take /dev/null from everybody.
 *
 * @throws GvaError OUT_SPECIAL
 */
export async function refuseSpecial(path: string): Promise<void> {
  const info = await lstat(path).catch(() => undefined);
  const target = info?.isSymbolicLink() ? await stat(path).catch(() => undefined) : info;
  // As /dev/stdout: a file behind it is no less the link's.
  const isOfProcess = info?.isSymbolicLink() && (await readlink(path)).startsWith('/proc/');
  if (!isOfProcess && (!target || target.isFile() || target.isDirectory())) return;
  throw new GvaError('OUT_SPECIAL', `${path} is a device or a pipe: no file can take its place`, {
    hint: 'Name a file, one that may be replaced.',
  });
}

export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  await publishFile(path, async (temporary) => {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close();
    }
  });
}

/** fsync of a file or folder. */
export async function syncPath(path: string | Buffer): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The text of a file; undefined where there is none. */
export async function readTextIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** SHA-256 of a file's bytes, as hexadecimal. */
export async function digestFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

export function digestText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Makes a folder, with those above it, unless it is there. */
export async function ensureFolder(path: string): Promise<string> {
  // Node's own recursive mkdir never ends where a parent takes no folders, as /proc (seen with Node 20).
  try {
    await mkdir(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && dirname(path) !== path) {
      await ensureFolder(dirname(path));
      await mkdir(path).catch((second: unknown) => folderOrThrow(path, second));
    } else await folderOrThrow(path, error);
  }
  return path;
}

async function folderOrThrow(path: string, error: unknown): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isDirectory()) throw error;
}
