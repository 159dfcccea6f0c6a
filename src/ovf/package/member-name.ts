import { printable } from '../../disk/findings.js';
import { GvaError } from '../../system/errors.js';

/** Characters; longer ones are no names of files. */
const LONGEST = 1024;

/**
 * A member's name without what says nothing: `./`, doubled and trailing slashes. Empty for the archive's root.
 * A name that is still unsafe then has a `nameFault`.
 */
export function normalName(name: string): string {
  const absolute = name.startsWith('/') ? '/' : '';
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  return absolute + parts.join('/');
}

/**
 * Why a name may not be a member's; undefined where it may. Members are found by name only, never extracted by
 * name; a name that would lead elsewhere is refused all the same, as other tools would follow it.
 */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'it has no name';
  if (name.length > LONGEST) return 'its name is too long';
  if (name.includes('\0')) return 'its name has a NUL character';
  if (/\p{Cc}/u.test(name)) return 'its name has a control character';
  if (name.includes('\\')) return 'its name has a backslash';
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) return 'its name is an absolute path';
  if (name.split('/').includes('..')) return 'its name leads out of the package (..)';
  return undefined;
}

/** What Apple's tools leave beside files, and no package means. */
export function isLitter(name: string): boolean {
  const base = name.slice(name.lastIndexOf('/') + 1);
  return base.startsWith('._') || base === '.DS_Store' || name.startsWith('__MACOSX/');
}

/** PACKAGE_MEMBER: the member and the reason. */
export function memberRefused(name: string, reason: string, cause?: unknown): GvaError {
  return new GvaError('PACKAGE_MEMBER', `the member "${shownName(name)}" is refused: ${reason}`, { cause });
}

/** A name chosen by a stranger, safe on a terminal and not too long. */
export function shownName(name: string): string {
  const text = printable(Buffer.from(name));
  return text.length > 120 ? `${text.slice(0, 120)}...` : text;
}
