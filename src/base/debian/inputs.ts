import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { guestFile } from '../../system/package.js';
import { gvadFiles } from '../root-files.js';
import type { DebianOptions } from './options.js';

/** Raise when the build itself changes in a way that changes its bytes. */
const buildVersion = 4;

const guestFiles = [
  ...gvadFiles,
  ...['initrd-init', 'debian/init', 'debian/gvad.conf', 'systemd/gvad.service'],
];

/**
 * SHA-256 of what is asked for and of what this project puts in: a base that was made of the same need not be made
 * again. What the archive has is not part of it; a rebuild takes the current packages.
 */
export async function debianInputs({ suite, profile, packages }: DebianOptions): Promise<string> {
  const hash = createHash('sha256');
  hash.update(`${JSON.stringify(['debian', buildVersion, suite, profile, packages])}\n`);
  for (const name of guestFiles) hash.update(await readFile(guestFile(name))).update('\0');
  return hash.digest('hex');
}
