import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ExitCode, GvaError } from '../system/errors.js';
import { ensureFolder } from '../system/files.js';
import { hostRelease } from './debian/own-release.js';
import { packagesFolder } from '../system/paths.js';
import { runTool } from '../system/process.js';

export interface DebianPackage {
  name: string;
  version: string;
  /** The .deb on this machine. */
  file: string;
}

/** Which apt is asked: what its commands get of an environment besides. */
export interface Apt {
  readonly env: Record<string, string>;
}

export const hostApt: Apt = { env: {} };

const releaseOf = async (apt: Apt): Promise<string[]> => (apt === hostApt ? hostRelease() : []);

/** The first of the named packages that apt knows; undefined where it knows none. */
export async function firstKnownPackage(
  names: readonly string[],
  apt: Apt = hostApt,
): Promise<string | undefined> {
  const release = await releaseOf(apt);
  for (const name of names) {
    const policy = (await runTool('apt-cache', [...release, 'policy', name], apt)).toString();
    if (/^\s*Candidate:\s*(?!\(none\))\S/m.test(policy)) return name;
  }
  return undefined;
}

/** Names of the packages that `name` depends on directly. */
export async function dependenciesOf(name: string, apt: Apt = hostApt): Promise<string[]> {
  const args = [...(await releaseOf(apt)), 'depends', '--important', name];
  const text = (await runTool('apt-cache', args, apt)).toString();
  return [...text.matchAll(/^\s*\|?Depends:\s*(\S+)$/gm)].map((match) => match[1] ?? '');
}

/**
 * Brings a package's .deb from the archive that this machine's apt is set up for; apt verifies it. Needs
 * neither root nor an installation. What is there already is not fetched again.
 */
export async function fetchPackage(
  name: string,
  signal?: AbortSignal,
  apt: Apt = hostApt,
): Promise<DebianPackage> {
  const folder = await ensureFolder(packagesFolder());
  const options = { ...apt, cwd: folder, ...(signal ? { signal } : {}) };
  const release = await releaseOf(apt);
  // Asked from elsewhere: where the file is there already, apt-get says nothing.
  const planned = (
    await runTool('apt-get', [...release, 'download', '--print-uris', name], { ...options, cwd: '/' })
  ).toString();
  const file = /^'[^']*' (\S+\.deb) \d+/m.exec(planned)?.[1];
  if (!file)
    throw new GvaError('PACKAGE_UNKNOWN', `apt knows no package ${name}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'Bring the package lists up to date: sudo apt-get update',
    });
  const path = join(folder, file);
  if (!existsSync(path))
    await runTool('apt-get', [...release, '-q', '-o', 'APT::Sandbox::User=root', 'download', name], options);
  const version = (await runTool('dpkg-deb', ['-f', path, 'Version'])).toString().trim();
  return { name, version, file: path };
}

/** Unpacks a package's files into a folder; runs none of its scripts. */
export async function unpackPackage(file: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await runTool('dpkg-deb', ['-x', file, folder]);
}
