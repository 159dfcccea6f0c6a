import type { DirectoryRecord } from './read-record.js';

/** Text of UCS-2 with the more significant byte first; surrogate pairs are taken as such, an odd byte is dropped. */
export function decodeUcs2(bytes: Buffer): string {
  return Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString('utf16le');
}

/** A name in the Joliet hierarchy, without its version. */
export function jolietName({ identifier }: DirectoryRecord): Buffer {
  return Buffer.from(decodeUcs2(identifier).replace(/;1$/, ''));
}

/**
 * A name of the primary hierarchy as Linux shows it (isofs_name_translate in fs/isofs/dir.c): in lower case,
 * without version 1 and the dot before it, other semicolons as dots. What else stands there is the caller's to
 * judge.
 */
export function plainName({ identifier }: DirectoryRecord): Buffer {
  const name = identifier.toString('latin1').replace(/\.?;1$/, '');
  const lower = name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()).replaceAll(';', '.');
  return Buffer.from(lower, 'latin1');
}
