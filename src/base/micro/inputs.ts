import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Architecture } from '../../model/base.js';
import { debianArchitectures } from '../foreign-apt.js';
import { gvadFiles } from '../root-files.js';
import { guestFile } from '../../system/package.js';

/** Raise when the build itself changes in a way that changes its bytes. */
const buildVersion = 10;

export const microGuestFiles = [...gvadFiles, 'micro/init', 'initrd-init'] as const;

/** `micro`, and `micro-arm64` for guests of another architecture. */
export const microName = (arch: Architecture): string =>
  arch === 'x86_64' ? 'micro' : `micro-${debianArchitectures[arch]}`;

/**
 * SHA-256 of what this project puts into the base: a base that was made of the same need not be made again.
 * The Debian packages are not part of it, so that no setup waits for apt; a rebuild takes the current ones.
 */
export async function microInputs(arch: Architecture = 'x86_64'): Promise<string> {
  const hash = createHash('sha256').update(`${microName(arch)} ${buildVersion}\n`);
  for (const name of microGuestFiles) hash.update(await readFile(guestFile(name))).update('\0');
  return hash.digest('hex');
}
