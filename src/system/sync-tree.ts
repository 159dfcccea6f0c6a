import { lstat, opendir } from 'node:fs/promises';
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
  if ((await hasMany(folder)) && (await syncFileSystem(folder))) return;
  const paths = pathsBelow(Buffer.from(folder));
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for await (const path of paths) await syncPath(path);
    }),
  );
}

async function hasMany(folder: string): Promise<boolean> {
  const paths = pathsBelow(Buffer.from(folder));
  try {
    for (let count = 0; count <= mostSingly; count++) if ((await paths.next()).done) return false;
    return true;
  } finally {
    await paths.return(undefined);
  }
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
async function* pathsBelow(folder: Buffer): AsyncGenerator<Buffer> {
  yield folder;
  // One by one: a guest may have left a million. Node's types know of no names as bytes here.
  for await (const entry of await opendir(folder, { encoding: 'buffer' as BufferEncoding })) {
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name as unknown as Buffer]);
    if (entry.isDirectory()) yield* pathsBelow(path);
    else if (entry.isFile() && (await isReadable(path))) yield path;
  }
}

const isReadable = async (path: Buffer) =>
  process.getuid?.() === 0 || ((await lstat(path)).mode & 0o400) !== 0;
