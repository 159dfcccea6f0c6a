import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, messageOf } from '../system/errors.js';
import { formatSize } from '../system/units.js';
import { controlCharacters } from './manifest-schema.js';

/** The longest licence text, in bytes. */
const maximum = 256 << 10;

/** Text of a licence, or what is wrong with it as the end of a sentence. */
export type FoundEula =
  { readonly text: string; readonly problem?: never } | { readonly text?: never; readonly problem: string };

/**
 * Reads the licence text of an appliance folder. The folder may be a stranger's: no symbolic link leads out of it
 * to a file that would then be published in a package.
 *
 * @param path relative to the folder, without `..`
 */
export function readEula(folder: string, path: string): FoundEula {
  try {
    if (realpathSync(join(folder, path)) !== join(realpathSync(folder), path))
      return { problem: 'must not be reached by a symbolic link' };
    const descriptor = openSync(
      join(folder, path),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    try {
      const info = fstatSync(descriptor);
      if (!info.isFile()) return { problem: 'is no regular file' };
      if (info.size > maximum) return { problem: `is longer than ${formatSize(maximum)}` };
      return eulaText(readFileSync(descriptor));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return { problem: errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error) };
  }
}

function eulaText(bytes: Uint8Array): FoundEula {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { problem: 'is no UTF-8 text' };
  }
  // The GNU licences have form feeds between their pages, which XML cannot hold.
  const plain = text.replaceAll('\r\n', '\n').replaceAll('\f', '');
  if (controlCharacters.test(plain)) return { problem: 'has control characters in it' };
  return plain.trim() === '' ? { problem: 'is empty' } : { text: plain };
}
