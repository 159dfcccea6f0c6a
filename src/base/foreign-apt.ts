import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Architecture } from '../model/base.js';
import { ensureFolder, writeFileAtomically } from '../system/files.js';
import { packagesFolder } from '../system/paths.js';
import { runTool } from '../system/process.js';
import { acquireSettings, firstKnownSuite, writeSources } from './debian/apt.js';
import type { Apt } from './debian-packages.js';

/** As Debian says it. */
export const debianArchitectures: Readonly<Record<Architecture, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
};

/** Milliseconds that lists of packages are used for. */
const listsKept = 24 * 3600_000;

/**
 * An apt for packages of another architecture, with settings and lists of its own: this machine's apt stays as it is,
 * and gives its sources, keys and proxies. One process at a time.
 *
 * @throws GvaError SUITE_MISSING where this machine has no source of Debian
 */
export async function foreignApt(arch: Architecture, signal?: AbortSignal): Promise<Apt> {
  const debian = debianArchitectures[arch];
  const folder = await ensureFolder(join(packagesFolder(), `apt-${debian}`));
  const at = (name: string) => join(folder, name);
  for (const name of ['lists/partial', 'cache/archives/partial', 'sources']) await ensureFolder(at(name));
  await copySources(at('sources'));
  await writeFile(at('status'), '');
  const settings = [
    `APT::Architecture "${debian}"; APT::Architectures { "${debian}"; };`,
    `Dir::Etc::sourcelist "/dev/null"; Dir::Etc::sourceparts "${at('sources')}";`,
    `Dir::State::lists "${at('lists')}"; Dir::State::status "${at('status')}"; Dir::Cache "${at('cache')}";`,
    // What is downloaded goes to a folder of this user's.
    'APT::Sandbox::User "root";',
    await acquireSettings(),
  ];
  await writeFileAtomically(at('apt.conf'), `${settings.join('\n')}\n`);
  const apt: Apt = { env: { APT_CONFIG: at('apt.conf') } };
  if (!(await areFresh(at('lists'))))
    await runTool('apt-get', ['-q', 'update'], { ...apt, ...(signal ? { signal } : {}) });
  return apt;
}

/** The sources of Debian that this machine has, whatever architecture it has them for. */
async function copySources(folder: string): Promise<void> {
  const files = await writeSources(await firstKnownSuite(), folder, debianArchitectures.x86_64);
  for (const file of files) {
    const text = await readFile(file, 'utf8');
    const every = file.endsWith('.sources')
      ? text.replace(/^Architectures:.*\n/gim, '')
      : text.replace(/\barch=\S+(?=[^\]]*\])/g, '').replace(/\[\s*\]/g, '');
    if (every !== text) await writeFile(file, every);
  }
}

async function areFresh(lists: string): Promise<boolean> {
  const names = (await readdir(lists)).filter((name) => basename(name).includes('_Packages'));
  if (names.length === 0) return false;
  const oldest = Math.min(
    ...(await Promise.all(names.map(async (name) => (await stat(join(lists, name))).ctimeMs))),
  );
  return Math.abs(Date.now() - oldest) < listsKept;
}
