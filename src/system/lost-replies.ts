import type { BigIntStats } from 'node:fs';
import { link, lstat, rename } from 'node:fs/promises';
import { errnoOf } from './errors.js';

// A client of NFS repeats a request whose answer was lost. A server that has forgotten the first then refuses the second,
// though it is done (RFC 1813, 4.5).

/** As rename(2), and done where it is done. */
export async function renameOnce(from: string, to: string): Promise<void> {
  const before = await lstat(from, { bigint: true });
  try {
    await rename(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || !(await isAt(to, before))) throw error;
  }
}

/** As link(2), and done where it is done. */
export async function linkOnce(file: string, name: string): Promise<void> {
  try {
    await link(file, name);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' || !(await isAt(name, await lstat(file, { bigint: true })))) throw error;
  }
}

async function isAt(path: string, { dev, ino }: BigIntStats): Promise<boolean> {
  const there = await lstat(path, { bigint: true }).catch(() => undefined);
  return there?.dev === dev && there.ino === ino;
}
