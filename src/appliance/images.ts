import { chmod, copyFile, mkdir, mkdtemp, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { constants, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ext4Size, makeExt4 } from '../disk/ext4-image.js';
import type { Appliance } from '../model/appliance.js';
import type { ParameterValues } from '../model/parameter.js';
import { GvaError } from '../system/errors.js';
import { digestText, ensureFolder, publishFile, readTextIfExists } from '../system/files.js';
import { type FolderDigest, type TreeEntry, digestFolder } from '../system/folder-digest.js';
import { applianceFiles, imagesFolder } from '../system/paths.js';
import { autorunName, autorunScript, defaultTemplate, firstWord } from './autorun.js';
import type { ApplianceFolder } from './load.js';
import { parameterFiles } from './parameter-files.js';

/** Raise when images of the same content get other bytes. */
const imageVersion = 2;
/** Bytes that a guest may add to its copy of the application or data disk. */
const freeSpace = 16 << 20;

/** A raw image in the cache: made once, never changed. */
export interface CachedImage {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
}

export interface ApplianceImages {
  readonly app: CachedImage;
  /** Absent where the appliance has no data/. */
  readonly data?: CachedImage;
  /** SHA-256 of all that makes the appliance what it is, its base image excepted. */
  readonly digest: string;
}

/** What a package's application disk has besides. */
export interface Packing {
  /** The launcher, where it is not to be made from the usual template. */
  readonly script?: string;
  /** Text of gva.yaml, from which the folder can be made again. */
  readonly manifest?: string;
}

/**
 * The application and data disks of an appliance folder, from the cache or made now. A file `autorun.sh` of the
 * folder takes the place of the launcher that GVA would make.
 */
export async function applianceImages(
  source: ApplianceFolder,
  packing: Packing = {},
): Promise<ApplianceImages> {
  const { appliance, folder } = source;
  const cache = await ensureFolder(imagesFolder());
  const appFolder = join(folder, applianceFiles.app);
  const dataFolder = join(folder, applianceFiles.data);
  const app = await digestFolder(appFolder, cache);
  checkProgram(appliance, appFolder, app.entries);
  const data = existsSync(dataFolder) ? await digestFolder(dataFolder, cache) : undefined;
  const script = packing.script ?? (await launcher(source, app.entries));
  const generated = generatedFiles(appliance, { ...packing, script }, data !== undefined);
  const key = digestText(JSON.stringify([imageVersion, 'app', app.digest, generated]));
  const appImage = await cachedImage(`app-${key}`, (file) => buildAppImage(file, appFolder, app, generated));
  const dataImage =
    data &&
    (await cachedImage(`data-${digestText(`${imageVersion} ${data.digest}`)}`, (file) =>
      makeExt4(file, {
        label: 'GVA-DATA',
        from: dataFolder,
        ...ext4Size(data.entries.length, data.bytes, freeSpace),
      }),
    ));
  const own = (await ownLauncher(folder)) ?? packing.script;
  const digest = digestText(
    JSON.stringify([appliance, app.digest, data?.digest ?? null, ...(own === undefined ? [] : [own])]),
  );
  return { app: appImage, ...(dataImage ? { data: dataImage } : {}), digest };
}

async function cachedImage(name: string, build: (file: string) => Promise<void>): Promise<CachedImage> {
  const file = join(imagesFolder(), `${name}.img`);
  if (!existsSync(file))
    await publishFile(file, async (temporary) => {
      await build(temporary);
      await chmod(temporary, 0o444);
    });
  return { file, size: (await stat(file)).size };
}

/** On the application disk of a package. */
export const packedManifest = '.gva/gva.yaml';

/** What GVA adds to the application disk: relative path to text; executable where it is in script-bin. */
type GeneratedFiles = Readonly<Record<string, string>>;

/** The launcher of a folder: its own, or what is made of gva.yaml. */
export async function launcher(
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
  { script, manifest }: Packing & { script: string },
  hasData: boolean,
): GeneratedFiles {
  const defaults: ParameterValues = Object.fromEntries(
    appliance.parameters.flatMap(({ name, default: value }) => (value === undefined ? [] : [[name, value]])),
  );
  const packed = parameterFiles(defaults, appliance.name).flatMap((entry) =>
    entry.kind === 'file' && entry.content instanceof Uint8Array
      ? [[`.gva/cdrom/${entry.path}`, Buffer.from(entry.content).toString()] as const]
      : [],
  );
  return {
    [`script-bin/${autorunName}`]: script,
    ...(manifest === undefined ? {} : { [packedManifest]: manifest }),
    '.gva/gvad.conf': `media=${hasData ? 'data ' : ''}output cdrom\nend=poweroff\n`,
    ...Object.fromEntries(packed),
  };
}

async function buildAppImage(file: string, folder: string, app: FolderDigest, generated: GeneratedFiles) {
  const staging = await mkdtemp(join(imagesFolder(), '.app-'));
  try {
    for (const entry of app.entries) await copyEntry(folder, staging, entry);
    for (const [path, text] of Object.entries(generated)) await writeGenerated(staging, path, text);
    const size = ext4Size(app.entries.length + Object.keys(generated).length + 4, app.bytes, freeSpace);
    await makeExt4(file, { label: 'GVA-APP', from: staging, ...size });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function copyEntry(from: string, to: string, { path, stat: info }: TreeEntry): Promise<void> {
  const target = join(to, path);
  if (info.isDirectory()) await mkdir(target, { mode: info.mode | 0o700 });
  else if (info.isSymbolicLink()) await symlink(await readlink(join(from, path)), target);
  else await copyFile(join(from, path), target, constants.COPYFILE_FICLONE);
}

async function writeGenerated(staging: string, path: string, text: string): Promise<void> {
  const target = join(staging, path);
  await mkdir(dirname(target), { recursive: true });
  try {
    await writeFile(target, text, { flag: 'wx', mode: path.startsWith('script-bin/') ? 0o755 : 0o644 });
  } catch (error) {
    throw new GvaError('APPLIANCE_INVALID', `app/${path} is in the way of a file that GVA makes`, {
      cause: error,
    });
  }
}

/** Finds, before any boot, the mistake that people make most often: a program that may not be executed. */
function checkProgram(appliance: Appliance, appFolder: string, entries: readonly TreeEntry[]): void {
  const word = firstWord(appliance.run)?.replace(/^\.\//, '');
  const program = entries.find(({ path, stat: info }) => path === word && info.isFile());
  if (!program || (program.stat.mode & 0o111) !== 0) return;
  throw new GvaError('PROGRAM_NOT_EXECUTABLE', `${join(appFolder, program.path)} is not executable`, {
    hint: `chmod +x ${join(appFolder, program.path)}`,
  });
}
