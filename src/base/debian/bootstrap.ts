import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageDate } from '../../disk/ext4-image.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { scratchFolder } from '../../system/paths.js';
import { findProgram, runTool, toolMissing } from '../../system/process.js';
import { runGroup } from '../../system/process-group.js';
import { acquireSettings, writeSources } from './apt.js';
import type { DebianOptions, DebianProfile, DebianSuite } from './options.js';
import { packageUnknown, unknownPackages, unknownWithNearest } from './unknown-package.js';
import { inMmdebstrapFolder } from './work-folder.js';

/** What GVAD and its surroundings need beside what Debian calls essential, and the commands that make users. */
const commonPackages = ['mount', 'e2fsprogs', 'passwd'];

const profilePackages: Readonly<Record<DebianProfile, readonly string[]>> = {
  quick: [],
  systemd: ['systemd', 'systemd-sysv'],
};

/** Else 48 MB of Perl come, for a program that merges what is merged. */
const suitePackages: Readonly<Record<DebianSuite, readonly string[]>> = {
  bookworm: ['usr-is-merged'],
  trixie: [],
};

/** Nobody reads them in there. Licences stay, and the rules hold for packages that are added later, too. */
const dpkgOptions = [
  ...['man', 'info', 'lintian', 'locale', 'doc'].map((name) => `path-exclude=/usr/share/${name}/*`),
  'path-include=/usr/share/locale/locale.alias',
  'path-include=/usr/share/doc/*/copyright',
];

/** Where the settings of this machine's apt are in the archive that comes out. */
export const temporarySettings = 'etc/apt/apt.conf.d/98gva';

/** Names of all packages that a base is asked to have; their dependencies come besides. */
export const packagesOf = ({ suite, profile, packages }: DebianOptions): string[] => [
  ...new Set([...commonPackages, ...profilePackages[profile], ...suitePackages[suite], ...packages]),
];

/**
 * Makes a tar archive of a Debian system's root, by mmdebstrap: as root, in a user namespace, or by fakechroot,
 * whichever works here.
 *
 * @param folder for files that the caller removes
 * @param say told what mmdebstrap does
 * @throws GvaError TOOL_MISSING, SUITE_MISSING, PACKAGE_UNKNOWN, HOST_FULL, BOOTSTRAP_FAILED
 */
export function bootstrap(
  options: DebianOptions,
  folder: string,
  say: (step: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  return inMmdebstrapFolder((temporary) => runMmdebstrap(options, { folder, temporary }, say, signal));
}

async function runMmdebstrap(
  options: DebianOptions,
  { folder, temporary }: { readonly folder: string; readonly temporary: string },
  say: (step: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  const sources = await writeSources(options.suite, folder, 'amd64');
  await checkPackages(options.packages, folder);
  const settings = join(folder, 'apt.conf');
  await writeFile(settings, await acquireSettings(), { mode: 0o600 });
  const archive = join(folder, 'root.tar');
  const said: string[] = [];
  const onLine = (line: string) => {
    said.push(line);
    if (said.length > 200) said.shift();
    const step = /^I: ((?:downloading|extracting|installing|creating) .*?)(?:\.\.\.)?$/.exec(line)?.[1];
    if (step !== undefined) say(step);
  };
  const args = bootstrapArguments(options, { settings, archive, sources });
  const [program, words] = await withoutMountsHere(args);
  const epoch = String(imageDate.getTime() / 1000);
  const env = { SOURCE_DATE_EPOCH: epoch, TMPDIR: temporary };
  const status = await runGroup(program, words, { env, signal, onLine });
  if (status !== 0) throw bootstrapFailure(options, said);
  return archive;
}

/** @param files the machine's settings of apt, the archive to make, the sources */
export function bootstrapArguments(
  options: DebianOptions,
  files: { settings: string; archive: string; sources: readonly string[] },
): string[] {
  return [
    // Of the other variants, all have apt, which has nothing to reach in there.
    ...['--variant=essential', '--format=tar', `--include=${packagesOf(options).join(',')}`],
    ...dpkgOptions.map((option) => `--dpkgopt=${option}`),
    // Before the hook that lets apt look for usr-is-merged. Nobody but mmdebstrap itself need read the file.
    `--setup-hook=upload "${files.settings}" /${temporarySettings}`,
    '--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr',
    ...[options.suite, files.archive, ...files.sources],
  ];
}

/**
 * As root, mmdebstrap mounts /proc and /sys into what it makes, and binds the host's /dev/shm. Were it killed, they
 * would stay, and whoever removes its folder would empty the host's: so it has a mount namespace of its own, which
 * ends with it. Where there is none for root, it mounts nothing. An ordinary user's are in namespaces anyway.
 */
async function withoutMountsHere(args: readonly string[]): Promise<[program: string, args: string[]]> {
  if (process.getuid?.() !== 0) return ['mmdebstrap', [...args]];
  const separate = ['--mount', '--propagation', 'private'];
  const works = await runTool('unshare', [...separate, 'true']).then(
    () => true,
    () => false,
  );
  if (!works) return ['mmdebstrap', ['--skip=chroot/mount', ...args]];
  // Else a missing mmdebstrap would be one more failure of unshare.
  if (!(await findProgram('mmdebstrap'))) throw toolMissing('mmdebstrap');
  return ['unshare', [...separate, 'mmdebstrap', ...args]];
}

/** Names the package that this machine's apt has never heard of, before anything is fetched. */
async function checkPackages(packages: readonly string[], folder: string): Promise<void> {
  if (packages.length === 0) return;
  const status = join(folder, 'no-packages');
  await writeFile(status, '');
  const nothingInstalled = ['-o', `Dir::State::status=${status}`];
  try {
    await runTool('apt-get', ['-s', ...nothingInstalled, 'install', '--no-install-recommends', ...packages]);
  } catch (error) {
    const unknown = error instanceof GvaError ? unknownPackages(error.message) : [];
    if (unknown.length > 0) throw await unknownWithNearest(unknown);
    // Whatever else it is, mmdebstrap will say it of the suite that was asked for.
  }
}

function bootstrapFailure({ suite }: DebianOptions, said: readonly string[]): GvaError {
  const text = said.join('\n');
  const unknown = unknownPackages(text);
  if (unknown.length > 0) return packageUnknown(unknown, suite);
  if (/No space left on device|Disk quota exceeded/.test(text))
    return new GvaError('HOST_FULL', `there is no room to install Debian ${suite}`, {
      hint: `It is made in ${scratchFolder()} (GVA_SCRATCH), the base below XDG_DATA_HOME.`,
      exitCode: ExitCode.infrastructure,
    });
  const errors = said.filter((line) => line.startsWith('E: '));
  const last = (errors.length > 0 ? errors : said).slice(-8).join('\n');
  return new GvaError('BOOTSTRAP_FAILED', `mmdebstrap could not make a root of Debian ${suite}:\n${last}`, {
    hint: 'As an ordinary user it needs uidmap, or else fakechroot and fakeroot: apt-get install uidmap fakechroot',
    exitCode: ExitCode.infrastructure,
  });
}
