import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ExitCode, GvaError } from '../system/errors.js';
import {
  type Apt,
  type DebianPackage,
  dependenciesOf,
  fetchPackage,
  firstKnownPackage,
  hostApt,
} from './debian-packages.js';

/** A kernel as its packages were unpacked. */
export interface UnpackedKernel {
  /** The bzImage. */
  readonly file: string;
  /** As `uname -r` says it. */
  readonly release: string;
  readonly modulesFolder: string;
}

/**
 * Fetches the current kernel of the first of these meta packages that apt knows: its package and, where they are
 * apart, its modules'.
 */
export async function fetchKernel(
  metaPackages: readonly string[],
  signal?: AbortSignal,
  apt: Apt = hostApt,
): Promise<DebianPackage[]> {
  const meta = await firstKnownPackage(metaPackages, apt);
  const image = meta && (await dependenciesOf(meta, apt)).find((name) => /^linux-image-\d/.test(name));
  if (!image)
    throw new GvaError('PACKAGE_UNKNOWN', `apt knows none of the kernels ${metaPackages.join(', ')}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'Bring the package lists up to date: sudo apt-get update',
    });
  const modules = (await dependenciesOf(image, apt)).filter((name) => /^linux-modules-\d/.test(name));
  return Promise.all([image, ...modules].map((name) => fetchPackage(name, signal, apt)));
}

/** The one kernel in a folder that packages were unpacked into. */
export async function unpackedKernel(packages: string): Promise<UnpackedKernel> {
  const name = await onlyMatch(join(packages, 'boot'), /^vmlinuz-/);
  const release = name.slice('vmlinuz-'.length);
  // Debian 13 has them under usr.
  const [modulesFolder = ''] = ['lib/modules', 'usr/lib/modules']
    .map((folder) => join(packages, folder, release))
    .filter((folder) => existsSync(folder));
  return { file: join(packages, 'boot', name), release, modulesFolder };
}

async function onlyMatch(folder: string, pattern: RegExp): Promise<string> {
  const names = (await readdir(folder)).filter((name) => pattern.test(name));
  if (names.length !== 1 || names[0] === undefined)
    throw new GvaError(
      'PACKAGE_CONTENT',
      `${names.length} files in ${folder} match ${String(pattern)}; expected one`,
      { exitCode: ExitCode.infrastructure },
    );
  return names[0];
}
