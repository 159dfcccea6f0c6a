import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Packages that are installed in a Debian root, name to version; those of another architecture as NAME:ARCH. */
export const installedPackages = async (root: string, arch: string): Promise<Record<string, string>> =>
  packagesIn(await readFile(join(root, 'var/lib/dpkg/status'), 'utf8'), arch);

/** The same of dpkg's list of them. */
export function packagesIn(text: string, arch: string): Record<string, string> {
  const packages = text.split(/\n\n+/).flatMap((stanza) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? '';
    if (!field('Status').endsWith(' installed')) return [];
    const own = [arch, 'all'].includes(field('Architecture'));
    return [
      [own ? field('Package') : `${field('Package')}:${field('Architecture')}`, field('Version')] as const,
    ];
  });
  return Object.fromEntries(packages.sort(([one], [other]) => (one < other ? -1 : 1)));
}
