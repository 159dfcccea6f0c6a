import { lstat, readdir } from 'node:fs/promises';
import { GvaError } from './errors.js';
import { syncPath } from './files.js';
import { runTool } from './process.js';

/** More files than this are brought to the disk with all else of their file system, which takes less than one by one. */
const mostSingly = 64;
/** At the same time: a journal takes them together. */
const atOnce = 8;

/**
 * Brings all files and folders below a folder, and itself, to the disk. Where it has returned, they outlive a crash of the
 * host; a rename before that may leave a name with nothing in it.
 */
export async function syncTree(folder: string): Promise<void> {
  const paths = await pathsBelow(Buffer.from(folder));
  if (paths.length > mostSingly && (await syncFileSystem(folder))) return;
  const next = paths[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const path of next) await syncPath(path);
    }),
  );
}

/** Of GNU's coreutils since 8.24, busybox and uutils. @returns false where there is no such tool, or it cannot */
async function syncFileSystem(folder: string): Promise<boolean> {
  try {
    await runTool('sync', ['-f', folder]);
    return true;
  } catch (error) {
    if (error instanceof GvaError) return false;
    throw error;
  }
}

/**
 * Files that this user may read, and folders. A guest's names need not be text; what its modes forbid to read is left out.
 */
async function pathsBelow(folder: Buffer): Promise<Buffer[]> {
  const paths = [folder];
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) paths.push(...(await pathsBelow(path)));
    else if (entry.isFile() && (await isReadable(path))) paths.push(path);
  }
  return paths;
}

const isReadable = async (path: Buffer) =>
  process.getuid?.() === 0 || ((await lstat(path)).mode & 0o400) !== 0;
