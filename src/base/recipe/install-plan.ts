import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ExitCode, GvaError, errnoOf, messageOf } from '../../system/errors.js';
import { ensureFolder, publishFile } from '../../system/files.js';
import { packagesFolder } from '../../system/paths.js';
import { runTool } from '../../system/process.js';
import { acquireSettings, writeSources } from '../debian/apt.js';
import type { DebianSuite } from '../debian/options.js';
import { unknownPackages, unknownWithNearest } from '../debian/unknown-package.js';

/** What is to be installed where something is installed already. */
export interface InstallPlan {
  /** In apt's order: what is unpacked together, and what is configured then. */
  readonly actions: readonly InstallAction[];
  /** Names of packages to their files. */
  readonly files: ReadonlyMap<string, string>;
  /** Bytes that they take when they are installed. */
  readonly installedSize: number;
}

export interface InstallAction {
  readonly action: 'unpack' | 'configure';
  readonly packages: readonly string[];
}

/** A Debian system as far as apt must know it. */
export interface InstalledSystem {
  readonly suite: DebianSuite;
  /** dpkg's list of what is installed. */
  readonly dpkgStatus: string;
}

/**
 * Finds out what these packages need beside what is there, and brings it from the archive that this machine's apt is set
 * up for; apt verifies it. Nothing of this machine's own packages is touched or looked at.
 *
 * @param work a folder for files that the caller removes
 * @throws GvaError SUITE_MISSING, PACKAGE_UNKNOWN, PACKAGES_CONFLICT, PACKAGES_FETCH, HOST_FULL
 */
export async function planInstall(
  names: readonly string[],
  system: InstalledSystem,
  work: string,
  signal?: AbortSignal,
): Promise<InstallPlan> {
  const options = await privateApt(system, work);
  const install = ['install', '--no-install-recommends', '--no-remove', ...names];
  const run = (args: readonly string[]) =>
    runTool('apt-get', [...options, ...args], signal ? { signal } : {});
  let said: string;
  try {
    said = (await run(['--simulate', ...install])).toString();
  } catch (error) {
    throw await planFailure(error, names, options);
  }
  const actions = actionsIn(said);
  if (actions.length === 0) return { actions, files: new Map(), installedSize: 0 };
  const files = await fetchAll((args) => run([...args, ...install]), join(work, 'archives'));
  return { actions, ...(await describeFiles(files)) };
}

async function describeFiles(files: readonly string[]): Promise<Omit<InstallPlan, 'actions'>> {
  const found = new Map<string, string>();
  let installedSize = 0;
  for (const file of files) {
    const text = await runTool('dpkg-deb', ['--showformat=${Package} ${Installed-Size}', '--show', file]);
    const [name = '', kibibytes = ''] = text.toString().split(' ');
    found.set(name, file);
    installedSize += (Number(kibibytes) || 0) * 1024;
  }
  return { files: found, installedSize };
}

/** Options for an apt that knows one suite, and as installed what is in the image. */
async function privateApt({ suite, dpkgStatus }: InstalledSystem, work: string): Promise<string[]> {
  const sources = await ensureFolder(join(work, 'sources'));
  await writeSources(suite, sources, 'amd64');
  const status = join(work, 'status');
  await writeFile(status, dpkgStatus);
  const settings = join(work, 'apt.conf');
  await writeFile(settings, await acquireSettings(), { mode: 0o600 });
  await mkdir(join(work, 'archives', 'partial'), { recursive: true });
  const set = {
    'Dir::State::status': status,
    'Dir::State::extended_states': join(work, 'extended-states'),
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': sources,
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::Cache::archives': join(work, 'archives'),
    // Of the three calls, only the first reads the lists.
    'Dir::Cache::pkgcache': join(work, 'pkgcache.bin'),
    'Dir::Cache::srcpkgcache': '',
    'APT::Sandbox::User': 'root',
    'APT::Architecture': 'amd64',
    'Debug::NoLocking': 'true',
  };
  return [
    '-q',
    `-c=${settings}`,
    ...Object.entries(set).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
  ];
}

/** What `apt-get --simulate` says it would do, joined where it does the same to several. */
export function actionsIn(said: string): InstallAction[] {
  const actions: { action: InstallAction['action']; packages: string[] }[] = [];
  for (const [, word, name = ''] of said.matchAll(/^(Inst|Conf) ([a-z0-9][a-z0-9+.-]*)/gm)) {
    const action = word === 'Inst' ? 'unpack' : 'configure';
    const last = actions.at(-1);
    if (last?.action === action) last.packages.push(name);
    else actions.push({ action, packages: [name] });
  }
  return actions;
}

/** Brings the files into `archives`; those that were fetched before are taken from the cache, and new ones go there. */
async function fetchAll(
  run: (args: readonly string[]) => Promise<Buffer>,
  archives: string,
): Promise<string[]> {
  const cache = await ensureFolder(packagesFolder());
  const planned = (await run(['--print-uris', '-y'])).toString();
  const wanted = [...planned.matchAll(/^'[^']*' (\S+\.deb) \d+/gm)].map(([, name]) => basename(name ?? ''));
  for (const name of wanted) await share(join(cache, name), join(archives, name));
  try {
    await run(['--download-only', '-y']);
  } catch (error) {
    throw new GvaError('PACKAGES_FETCH', `apt cannot fetch the packages: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'Bring the package lists up to date: sudo apt-get update',
      cause: error,
    });
  }
  const names = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
  for (const name of names)
    if (!existsSync(join(cache, name)))
      await publishFile(join(cache, name), (temporary) => copyFile(join(archives, name), temporary));
  return names.map((name) => join(archives, name));
}

async function share(file: string, target: string): Promise<void> {
  try {
    await link(file, target);
  } catch (error) {
    if (errnoOf(error) === 'EXDEV' || errnoOf(error) === 'EPERM') await copyFile(file, target);
    else if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

async function planFailure(
  error: unknown,
  names: readonly string[],
  options: readonly string[],
): Promise<unknown> {
  if (!(error instanceof GvaError) || error.code !== 'TOOL_FAILED') return error;
  const unknown = unknownPackages(error.message);
  if (unknown.length > 0)
    return unknownWithNearest(
      unknown,
      options.filter((option) => option !== '-q'),
    );
  const said = error.message.split('\n').slice(1).join('\n') || error.message;
  return new GvaError('PACKAGES_CONFLICT', `apt cannot install ${names.join(', ')} there:\n${said}`, {
    hint: 'A package that is there would have to go, or the lists are older than the base: sudo apt-get update',
    cause: error,
  });
}
