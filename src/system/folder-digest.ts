import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { GvaError, messageOf } from './errors.js';
import { digestFile, digestText, ensureFolder, readTextIfExists, writeFileAtomically } from './files.js';

export interface TreeEntry {
  /** Relative, '/' between names. */
  path: string;
  stat: Stats;
}

export interface FolderDigest {
  /** SHA-256 over names, kinds, permissions and contents; times and owners do not count. */
  digest: string;
  entries: readonly TreeEntry[];
  /** Bytes of all regular files. */
  bytes: number;
}

/**
 * Digest of a folder's content. What was digested before is recognised by the inode, size and change time of
 * each file, as git does, so that gigabytes of unchanged data are not read again.
 *
 * @param memory folder for what is remembered
 */
export async function digestFolder(folder: string, memory: string): Promise<FolderDigest> {
  const entries = await listTree(folder);
  const bytes = entries.reduce((sum, { stat }) => sum + (stat.isFile() ? stat.size : 0), 0);
  const fingerprint = digestText(entries.map(({ path, stat }) => `${path}\0${statLine(stat)}\n`).join(''));
  const note = join(memory, `tree-${fingerprint}`);
  // A file may change twice within one tick of the file system's clock: what is so young is always read.
  const young = entries.some(({ stat }) => Date.now() - stat.ctimeMs < 2000);
  const known = young ? undefined : await readTextIfExists(note);
  if (known !== undefined && /^[0-9a-f]{64}$/.test(known)) return { digest: known, entries, bytes };
  const digest = await digestEntries(folder, entries);
  await ensureFolder(memory);
  if (!young) await writeFileAtomically(note, digest);
  return { digest, entries, bytes };
}

const statLine = (stat: Stats) =>
  [stat.dev, stat.ino, stat.mode, stat.size, stat.mtimeMs, stat.ctimeMs].join(' ');

/** All entries below a folder in byte order of their paths. What is no file, folder or link is an error. */
export async function listTree(folder: string): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  const visit = async (relative: string): Promise<void> => {
    const names = await reading(join(folder, relative), (file) => readdir(file));
    for (const name of names.sort()) {
      const path = relative === '' ? name : `${relative}/${name}`;
      const stat = await reading(join(folder, path), (file) => lstat(file));
      if (!stat.isFile() && !stat.isDirectory() && !stat.isSymbolicLink())
        throw new GvaError(
          'FILE_KIND',
          `${join(folder, path)} is neither a file nor a folder nor a symbolic link`,
          {
            hint: 'Devices, sockets and pipes cannot be put on a disk of an appliance.',
          },
        );
      entries.push({ path, stat });
      if (stat.isDirectory()) await visit(path);
    }
  };
  await visit('');
  return entries;
}

/** FILE_READ names what cannot be read. */
async function reading<T>(path: string, work: (path: string) => Promise<T>): Promise<T> {
  try {
    return await work(path);
  } catch (error) {
    throw new GvaError('FILE_READ', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function digestEntries(folder: string, entries: readonly TreeEntry[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { path, stat } of entries) {
    const file = join(folder, path);
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isDirectory()) hash.update(`d ${mode} ${path}\0`);
    else if (stat.isSymbolicLink())
      hash.update(`l ${path}\0${await reading(file, (link) => readlink(link))}\0`);
    else hash.update(`f ${mode} ${path}\0${await reading(file, digestFile)}\0`);
  }
  return hash.digest('hex');
}
