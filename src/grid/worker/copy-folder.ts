import type { Stats } from 'node:fs';
import {
  chmod,
  copyFile,
  lstat,
  lutimes,
  mkdir,
  readdir,
  readlink,
  rm,
  symlink,
  utimes,
} from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../system/errors.js';
import { runTool } from '../../system/process.js';

/** Files and folders, and bytes, up to which this process copies by itself: sooner than another one is started. */
const [mostEntries, mostBytes] = [100, 4 << 20];

interface Entry {
  /** Relative to the folder that is copied. */
  readonly path: string;
  readonly info: Stats;
}

/**
 * Copies a folder with all that is in it: modes, times, links, holes. Owners are not kept: file servers let nobody give
 * files away.
 *
 * @param to what an attempt before this one has left there is removed
 */
export async function copyFolder(from: string, to: string): Promise<void> {
  await makeEmpty(to);
  const entries = await fewEntries(from);
  if (entries) await copyEntries(entries, from, to);
  else {
    const how = ['-dR', '--preserve=mode,timestamps,links', '--sparse=auto'];
    await runTool('cp', [...how, '--', `${from}/.`, to]);
  }
}

async function makeEmpty(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
  }
}

/**
 * The folder and all that is in it, parents first; undefined where that is much, or not only plain files, folders and
 * links with names that are text.
 */
async function fewEntries(folder: string): Promise<Entry[] | undefined> {
  const entries: Entry[] = [{ path: '', info: await lstat(folder) }];
  let bytes = 0;
  for (const { path: parent, info: own } of entries) {
    if (!own.isDirectory()) continue;
    for (const name of await readdir(join(folder, parent), { encoding: 'buffer' })) {
      const text = name.toString();
      if (!Buffer.from(text).equals(name)) return undefined;
      const path = join(parent, text);
      const info = await lstat(join(folder, path));
      if (!isPlain(info)) return undefined;
      bytes += info.size;
      // An array may grow while one goes through it.
      if (entries.push({ path, info }) > mostEntries || bytes > mostBytes) return undefined;
    }
  }
  return entries;
}

/** Of a file with several names, or with holes, cp keeps these. */
const isPlain = (info: Stats) =>
  info.isDirectory() ||
  info.isSymbolicLink() ||
  (info.isFile() && info.nlink === 1 && info.blocks * 512 >= info.size);

async function copyEntries(entries: readonly Entry[], from: string, to: string): Promise<void> {
  for (const { path, info } of entries) {
    const [source, target] = [join(from, path), join(to, path)];
    if (info.isDirectory()) {
      if (path !== '') await mkdir(target);
    } else if (info.isSymbolicLink()) {
      await symlink(await readlink(source), target);
      await lutimes(target, info.atime, info.mtime);
    } else {
      await copyFile(source, target);
      await utimes(target, info.atime, info.mtime);
    }
  }
  // What is made in a folder changes its times, and may not be allowed by its mode.
  for (const { path, info } of [...entries].reverse()) {
    if (!info.isDirectory()) continue;
    await chmod(join(to, path), info.mode & 0o7777);
    await utimes(join(to, path), info.atime, info.mtime);
  }
}
