import { readFile } from 'node:fs/promises';
import { knownCodenames } from './apt.js';

/**
 * Options with which apt prefers packages of this machine's own release, where it has sources of others besides: some of
 * what is fetched runs here, and would not with the libraries of an older release. None where it has no others.
 *
 * @param osRelease os-release(5) of this machine
 */
export async function ownRelease(osRelease = '/etc/os-release'): Promise<string[]> {
  const text = await readFile(osRelease, 'utf8').catch(() => '');
  const own = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(text)?.[1];
  const known = await knownCodenames();
  if (own === undefined || !known.has(own)) return [];
  const isOwn = (codename: string) => codename === own || codename.startsWith(`${own}-`);
  if ([...known].every(isOwn)) return [];
  // Updates have their names, too; backports wait until somebody asks for them (apt_preferences(5)).
  return ['-o', `APT::Default-Release=/^${own}(|-updates|-security)$/`];
}

let remembered: Promise<string[]> | undefined;

/** The same of this machine, found out once. */
export const hostRelease = (): Promise<string[]> => (remembered ??= ownRelease());
