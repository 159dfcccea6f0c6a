import { copyFile, cp, lstat, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GvaError } from '../../system/errors.js';
import { digestFolder } from '../../system/folder-digest.js';
import { digestFile, digestText } from '../../system/files.js';
import { guestFile } from '../../system/package.js';
import { imagesFolder } from '../../system/paths.js';
import { shellWord } from '../../system/shell-word.js';
import type { InstallPlan } from './install-plan.js';
import type { CopyStep, EnvStep, RecipeStep, UserStep } from './recipe.js';

/** The script that GVAD runs for a step. */
const stepScript = 'script-bin/50-step';

/** What a step works with. */
export interface StepMaterial {
  /** Folder of the recipe. */
  readonly folder: string;
  /** Of a `packages` step. */
  readonly install?: InstallPlan;
  /** The root disk is larger than its file system. */
  readonly grow: boolean;
}

/** Writes the content of the application disk of a step (guest/recipe-step) into a new folder. */
export async function writeStepFiles(
  target: string,
  step: RecipeStep,
  material: StepMaterial,
): Promise<void> {
  const own = join(target, 'step');
  await mkdir(own, { recursive: true });
  await mkdir(join(target, '.gva'));
  await mkdir(join(target, dirname(stepScript)));
  await writeFile(join(target, '.gva/gvad.conf'), 'media=output\n');
  await copyFile(guestFile('recipe-step'), join(target, stepScript));
  const text = (name: string, content: string) => writeFile(join(own, name), `${content}\n`);
  // The shell of busybox takes its own dpkg for Debian's.
  await text('with', step.kind === 'run' || step.kind === 'packages' ? 'image' : 'own');
  if (material.grow) await text('grow', '');
  if (step.kind === 'run' && step.network) await text('network', '');
  if (step.kind === 'copy') await bringCopy(step, material.folder, join(own, 'copy'));
  if (step.kind === 'env') await text('environment', environmentText(step));
  if (material.install) await bringPackages(material.install, join(own, 'debs'));
  await text('do', await scriptOf(step, material));
}

async function scriptOf(step: RecipeStep, { folder, install }: StepMaterial): Promise<string> {
  switch (step.kind) {
    case 'run':
      return step.command;
    case 'packages':
      return installScript(install);
    case 'copy':
      return copyScript(step, await isFolder(join(folder, step.from)));
    case 'user':
      return userScript(step);
    case 'env':
      return `set -e\n${busybox} mkdir -p /etc/gva\n${busybox} cat /run/gva/environment >>/etc/gva/environment`;
  }
}

/** What guest/recipe-step puts there: an image need not have the commands. */
const busybox = '/run/busybox';

/** As apt does it; triggers wait for the end. Nothing need reach the disk before the machine's end. */
function installScript(install: InstallPlan | undefined): string {
  const { actions = [], files = new Map<string, string>() } = install ?? {};
  const lines = actions.map(({ action, packages }) => {
    if (action === 'configure') return ['dpkg', '--no-triggers', '--configure', ...packages].join(' ');
    const names = packages.map((name) => shellWord(basename(files.get(name) ?? name)));
    return ['dpkg', '--no-triggers', '--force-unsafe-io', '--unpack', ...names].join(' ');
  });
  return [
    'set -e',
    'export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true',
    'cd /run/gva/debs',
    ...lines,
    'dpkg --configure --pending',
  ].join('\n');
}

function copyScript({ from, to }: CopyStep, folder: boolean): string {
  const target = shellWord(to);
  const make = (path: string) => `${busybox} mkdir -p -- ${shellWord(path)}`;
  if (folder) return ['set -e', make(to), `${busybox} cp -a /run/gva/copy/. ${target}`].join('\n');
  const source = shellWord(`/run/gva/copy/${basename(from)}`);
  const parent = to.endsWith('/') ? to : dirname(to);
  return ['set -e', make(parent), `${busybox} cp -a ${source} ${target}`].join('\n');
}

function userScript({ name, uid }: UserStep): string {
  const number = (option: string) => (uid === undefined ? '' : ` ${option} ${uid}`);
  return [
    'if command -v useradd >/dev/null 2>&1; then',
    `  exec useradd --create-home --shell /bin/sh${number('--uid')} ${name}`,
    'fi',
    `exec ${busybox} adduser -D -s /bin/sh${number('-u')} ${name}`,
  ].join('\n');
}

const environmentText = ({ variables }: EnvStep) =>
  Object.entries(variables)
    .map(([name, value]) => `export ${name}=${shellWord(value)}`)
    .join('\n');

/** Digest of what a `copy` step takes in: a file with its mode, or a folder with all that is in it. */
export async function copyDigest({ from }: CopyStep, folder: string): Promise<string> {
  const source = join(folder, from);
  if (await isFolder(source)) return (await digestFolder(source, imagesFolder())).digest;
  const { mode } = await lstat(source);
  return digestText(JSON.stringify([basename(from), mode & 0o777, await digestFile(source)]));
}

/** @throws GvaError RECIPE_COPY where it is neither a file nor a folder */
async function isFolder(source: string): Promise<boolean> {
  const info = await lstat(source).catch(() => undefined);
  if (info?.isDirectory()) return true;
  if (info?.isFile()) return false;
  throw new GvaError('RECIPE_COPY', `the recipe copies ${source}, which is neither a file nor a folder`, {
    hint: 'Paths of copy steps are below the folder of the recipe.',
  });
}

async function bringCopy({ from }: CopyStep, folder: string, target: string): Promise<void> {
  const source = join(folder, from);
  const to = (await isFolder(source)) ? target : join(target, basename(from));
  await mkdir(target, { recursive: true });
  await cp(source, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
}

async function bringPackages({ files }: InstallPlan, target: string): Promise<void> {
  await mkdir(target);
  for (const file of files.values()) await copyFile(file, join(target, basename(file)));
}
