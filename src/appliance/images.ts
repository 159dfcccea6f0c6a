import { chmod, stat } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ext4Size, makeExt4 } from '../disk/ext4-image.js';
import type { Appliance, ApplianceManifest } from '../model/appliance.js';
import { GvaError } from '../system/errors.js';
import { digestText, ensureFolder, publishFile, readTextIfExists } from '../system/files.js';
import { type TreeEntry, digestFolder } from '../system/folder-digest.js';
import { applianceFiles, imagesFolder } from '../system/paths.js';
import { type GeneratedFiles, freeSpace, makeAppImage } from './app-image.js';
import { autorunName, autorunScript, defaultTemplate, firstWord } from './autorun.js';
import type { ApplianceFolder } from './load.js';
import { packedDefaults } from './parameter-files.js';

/** Raise when images of the same content get other bytes. */
const imageVersion = 2;

/** A raw image in the cache: made once, never changed. */
export interface CachedImage {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
}

export interface ApplianceImages {
  readonly app: CachedImage;
  /** Absent where the appliance has no data/, or where it is on the application disk. */
  readonly data?: CachedImage;
  /** SHA-256 of all that makes the appliance what it is, its base image excepted. */
  readonly digest: string;
}

/** What the disks of a package have besides. */
export interface Packing {
  /** The launcher, where it is not to be made from the usual template. */
  readonly script?: string;
  /** Text of gva.yaml, from which the folder can be made again. */
  readonly manifest?: string;
  /** What is on the application disk instead of on one of its own. */
  readonly combine?: readonly ('data' | 'output')[];
  /** Each instance gets a data disk, though the appliance has none. */
  readonly expectsData?: boolean;
}

/** On the application disk of a package. */
export const packedManifest = '.gva/gva.yaml';

/**
 * The application and data disks of an appliance folder, from the cache or made now. A file `autorun.sh` of the
 * folder takes the place of the launcher that GVA would make.
 */
export async function applianceImages(
  source: ApplianceFolder,
  packing: Packing = {},
): Promise<ApplianceImages> {
  const { appliance, folder } = source;
  const { combine = [] } = packing;
  const cache = await ensureFolder(imagesFolder());
  const appFolder = join(folder, applianceFiles.app);
  const app = await digestFolder(appFolder, cache);
  checkProgram(appliance, appFolder, app.entries);
  checkScripts(appliance, app.entries);
  const dataFolder = join(folder, applianceFiles.data);
  const data = existsSync(dataFolder) ? await digestFolder(dataFolder, cache) : undefined;
  const script = packing.script ?? (await launcherOf(source, app.entries));
  const onApp = {
    ...(data && combine.includes('data') ? { data: { folder: dataFolder, ...data } } : {}),
    outputSize: combine.includes('output') ? appliance.output.size : 0,
  };
  const generated = generatedFiles(appliance, { ...packing, script }, data !== undefined);
  const layout = combine.length === 0 ? [] : [onApp.data?.digest ?? null, onApp.outputSize];
  const key = digestText(JSON.stringify([imageVersion, 'app', app.digest, generated, ...layout]));
  const appImage = await cachedImage(`app-${key}`, (file) =>
    makeAppImage(file, { app: { folder: appFolder, ...app }, generated, ...onApp }),
  );
  const own = packing.script ?? (await ownLauncher(folder));
  const digest = digestText(
    JSON.stringify([appliance, app.digest, data?.digest ?? null, ...(own === undefined ? [] : [own])]),
  );
  if (!data || onApp.data) return { app: appImage, digest };
  const dataImage = await cachedImage(`data-${digestText(`${imageVersion} ${data.digest}`)}`, (file) =>
    makeExt4(file, {
      label: 'GVA-DATA',
      from: dataFolder,
      ...ext4Size(data.entries.length, data.bytes, freeSpace),
    }),
  );
  return { app: appImage, data: dataImage, digest };
}

/** An image of the cache by its name, which is to hold the digest of what it is made from. */
export async function cachedImage(
  name: string,
  build: (file: string) => Promise<void>,
): Promise<CachedImage> {
  const file = join(await ensureFolder(imagesFolder()), `${name}.img`);
  if (!existsSync(file))
    await publishFile(file, async (temporary) => {
      await build(temporary);
      await chmod(temporary, 0o444);
    });
  return { file, size: (await stat(file)).size };
}

/** The launcher of a folder: its own, or what is made of gva.yaml and a template. */
export async function launcherOf(
  { appliance, folder }: ApplianceFolder,
  app: readonly TreeEntry[],
  template?: string,
): Promise<string> {
  const own = template === undefined ? await ownLauncher(folder) : undefined;
  if (own !== undefined) return own;
  const files = new Set(app.map(({ path }) => path));
  return autorunScript(appliance, (path) => files.has(path), template ?? (await defaultTemplate()));
}

const ownLauncher = (folder: string) => readTextIfExists(join(folder, applianceFiles.launcher));

function generatedFiles(
  appliance: Appliance,
  { script, manifest, expectsData = false }: Packing & { script: string },
  hasData: boolean,
): GeneratedFiles {
  return {
    [`script-bin/${autorunName}`]: script,
    ...(manifest === undefined ? {} : { [packedManifest]: manifest }),
    '.gva/gvad.conf': [
      `media=${hasData || expectsData ? 'data ' : ''}output cdrom\nend=poweroff\n`,
      ...(appliance.warm === undefined ? [] : [`warm=${autorunName}\n`]),
    ].join(''),
    ...packedDefaults(appliance),
  };
}

/** Other scripts would run before the launcher in a cold start, and after it in a warm one. */
function checkScripts({ warm }: ApplianceManifest, entries: readonly TreeEntry[]): void {
  const script = entries.find(({ path, stat: info }) => /^script-bin\/[^/]+$/.test(path) && info.isFile());
  if (warm === undefined || !script) return;
  throw new GvaError('APPLIANCE_INVALID', `warm: app/${script.path} is a script beside the launcher`, {
    hint: 'Have before, run or after call it, from another folder; or leave warm: out.',
  });
}

/** Finds, before any boot, the mistake that people make most often: a program that may not be executed. */
function checkProgram(appliance: ApplianceManifest, appFolder: string, entries: readonly TreeEntry[]): void {
  const word = firstWord(appliance.run)?.replace(/^\.\//, '');
  const program = entries.find(({ path, stat: info }) => path === word && info.isFile());
  if (!program || (program.stat.mode & 0o111) !== 0) return;
  throw new GvaError('PROGRAM_NOT_EXECUTABLE', `${join(appFolder, program.path)} is not executable`, {
    hint: `chmod +x ${join(appFolder, program.path)}`,
  });
}
