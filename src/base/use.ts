import { futimesSync, openSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { baseUsedFile } from '../system/paths.js';

/**
 * Notes that this process uses a base, from now on and until it ends: it keeps a file of the base's folder open, whose time is
 * that of the last use. The kernel closes the file of a process that is killed. Takes microseconds; what cannot be
 * noted is let be.
 */
export function noteUse({ folder }: { readonly folder: string }): void {
  try {
    const now = new Date();
    let descriptor = open.get(folder);
    if (descriptor === undefined)
      open.set(folder, (descriptor = openSync(join(folder, baseUsedFile), 'a', 0o644)));
    futimesSync(descriptor, now, now);
  } catch {
    // Somebody else's, or on a file system that cannot be written to.
  }
}

/** Of this process: folder to descriptor. */
const open = new Map<string, number>();

/** When a base was used last, in milliseconds since 1970; undefined where it was not used since it was made. */
export const lastUse = (folder: string): number | undefined =>
  statSync(join(folder, baseUsedFile), { throwIfNoEntry: false })?.mtimeMs;

/** Numbers of the processes on this machine that use a base, as far as this user may see them. */
export function usersOf(folder: string): number[] {
  const file = join(folder, baseUsedFile);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => hasOpen(name, file))
    .map(Number);
}

function hasOpen(process: string, file: string): boolean {
  const folder = join('/proc', process, 'fd');
  try {
    return readdirSync(folder).some((descriptor) => linkOf(join(folder, descriptor)) === file);
  } catch {
    // Ended meanwhile, or another user's.
    return false;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
