import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { gvadFiles } from '../root-files.js';
import { guestFile } from '../../system/paths.js';

/** Raise when the build itself changes in a way that changes its bytes. */
const buildVersion = 6;

export const microGuestFiles = [...gvadFiles, 'micro/init', 'initrd-init'] as const;

/**
 * SHA-256 of what this project puts into the base: a base that was made of the same need not be made again.
 * The Debian packages are not part of it, so that no setup waits for apt; a rebuild takes the current ones.
 */
export async function microInputs(): Promise<string> {
  const hash = createHash('sha256').update(`micro ${buildVersion}\n`);
  for (const name of microGuestFiles) hash.update(await readFile(guestFile(name))).update('\0');
  return hash.digest('hex');
}
