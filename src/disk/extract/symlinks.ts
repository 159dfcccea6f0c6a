import { lstatSync } from 'node:fs';
import { joinPath } from './names.js';

/** PATH_MAX without its NUL. */
const TARGET_MAX = 4095;
/** Names in front of a `..` that are looked at. */
const CHECKED_NAMES = 64;

/** Why a symbolic link is not made. */
export type LinkFault = 'SYMLINK_INVALID' | 'SYMLINK_ESCAPE';

/**
 * Judges the target of a symbolic link in the directory that has the names `place` below `base`; undefined
 * where it stays inside. Absolute ones do not. `..` climbs real directories, so it can be followed by name;
 * behind another link it would climb from wherever that leads, so every name in front of a `..` has to be a
 * real directory. Names behind the last `..` may be links: those were judged themselves.
 */
export function judgeLink(target: Buffer, base: Buffer, place: readonly Buffer[]): LinkFault | undefined {
  const text = target.toString('latin1');
  if (text === '' || target.length > TARGET_MAX || text.includes('\0')) return 'SYMLINK_INVALID';
  if (text.startsWith('/')) return 'SYMLINK_ESCAPE';
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  const climbing = parts.slice(0, parts.lastIndexOf('..') + 1);
  if (climbing.filter((part) => part !== '..').length > CHECKED_NAMES) return 'SYMLINK_ESCAPE';
  const path = [...place];
  for (const part of climbing) {
    if (part !== '..') path.push(Buffer.from(part, 'latin1'));
    else if (path.pop() === undefined) return 'SYMLINK_ESCAPE';
    if (part !== '..' && !isDirectory(path.reduce(joinPath, base))) return 'SYMLINK_ESCAPE';
  }
  return undefined;
}

function isDirectory(path: Buffer): boolean {
  try {
    return lstatSync(path).isDirectory();
  } catch {
    return false; // missing, or a path too long: not a directory that we made
  }
}
