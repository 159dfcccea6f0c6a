import { chmod, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type AdoptedDisk,
  type BaseFile,
  type BaseManifest,
  type Direct,
  type PortableDisk,
  bootsDirectly,
  filesOf,
} from '../model/base.js';
import { ExitCode, GvaError, errnoOf } from '../system/errors.js';
import {
  digestFile,
  digestText,
  ensureFolder,
  readTextIfExists,
  syncPath,
  freshSibling,
  writeFileAtomically,
} from '../system/files.js';
import { shellWord } from '../system/shell-word.js';
import { rememberedDigest } from '../system/remembered-digest.js';
import { baseFiles, baseFolder, currentBase, imagesFolder } from '../system/paths.js';
import {
  brokenBase,
  digestFolderName,
  isBaseName,
  isBaseReference,
  isDigest,
  parseBaseManifest,
} from './base-manifest.js';

/**
 * Base images on this machine: a folder per name, in it a folder per digest and a link `current`. A base is
 * never changed in place: running instances keep the one they began with.
 */
export interface Base extends BaseManifest {
  /** Absolute. */
  folder: string;
}

export type DirectBase = Direct<Base>;

/** The base `NAME`, or of that name exactly `NAME@DIGEST`; a missing or broken one is a GvaError. */
export async function loadBase(reference: string): Promise<Base> {
  const [name = '', digest] = reference.split('@');
  if (digest !== undefined) return loadBaseByDigest(name, digest);
  const base = await findBase(name);
  if (base) return base;
  throw new GvaError('BASE_MISSING', `there is no base image ${JSON.stringify(name)} on this machine`, {
    exitCode: ExitCode.infrastructure,
    hint: await hintFor(name),
  });
}

async function hintFor(name: string): Promise<string> {
  if (name === 'micro') return 'Build it: gva base build micro';
  const { recipesBuilt } = await import('./recipe/notes.js');
  const note = (await recipesBuilt()).find((each) => each.name === name);
  if (note) return `Its recipe is here: gva base build ${shellWord(note.file)}`;
  return `GVA builds "micro", and Debian under any name: gva base build debian --name ${name}`;
}

/**
 * The base of that name, which has a kernel and a root file system of its own.
 *
 * @throws GvaError as loadBase(), and BASE_FIRMWARE
 */
export async function loadDirectBase(name: string): Promise<DirectBase> {
  return requireDirect(await loadBase(name), 'be used for this');
}

/**
 * @param what it cannot do else: `be ...`
 * @throws GvaError BASE_FIRMWARE where there is nothing of the base but a disk
 */
export function requireDirect(base: Base, what: string): DirectBase {
  if (bootsDirectly(base)) return base;
  throw new GvaError(
    'BASE_FIRMWARE',
    `the base image ${base.name} was adopted and only boots by firmware: it cannot ${what}`,
    { hint: 'Name a base that GVA has built.' },
  );
}

/** The image that a guest has as its first disk. */
export const rootDiskOf = ({ files }: BaseManifest): BaseFile => files.root ?? files.disk;

export async function findBase(name: string): Promise<Base | undefined> {
  if (!isBaseName(name)) return undefined;
  const target = await readlink(join(baseFolder(name), currentBase)).catch(() => undefined);
  if (target === undefined) return undefined;
  return readSound(join(baseFolder(name), target));
}

/** @param digest the first 16 digits of it or more @throws GvaError BASE_MISSING, BASE_BROKEN */
async function loadBaseByDigest(name: string, digest: string): Promise<Base> {
  const folder = join(baseFolder(name), digestFolderName(digest));
  const base = isBaseReference(`${name}@${digest}`) ? await readSound(folder) : undefined;
  if (base?.digest.startsWith(digest)) return base;
  throw new GvaError('BASE_MISSING', `there is no base image ${name}@${digest} on this machine`, {
    exitCode: ExitCode.infrastructure,
    hint: 'What there is: gva base list --all. Get it from where it is (gva base export there, gva base import here).',
  });
}

/** The base of that name with exactly this digest, be it the current one or one from before. */
export async function findBaseByDigest(name: string, digest: string): Promise<Base | undefined> {
  if (!isBaseName(name) || !isDigest(digest)) return undefined;
  const base = await readSound(join(baseFolder(name), digestFolderName(digest)));
  return base?.digest === digest ? base : undefined;
}

/** The base in a folder, whatever its bytes are; a missing or broken one is a GvaError. */
export async function loadBaseFolder(folder: string): Promise<Base> {
  const base = await readBase(folder);
  if (base) return base;
  throw brokenBase(folder, 'it has no base.json');
}

async function readSound(folder: string): Promise<Base | undefined> {
  const base = await readBase(folder);
  if (base) await checkTouched(base);
  return base;
}

async function readBase(folder: string): Promise<Base | undefined> {
  const text = await readTextIfExists(join(folder, baseFiles.manifest));
  if (text === undefined) return undefined;
  const manifest = parseBaseManifest(text, folder);
  await checkSizes(manifest, folder);
  return { ...manifest, folder };
}

/** Digests are checked when a base is made; sizes every time: a base that was cut short is noticed. */
async function checkSizes(manifest: BaseManifest, folder: string): Promise<void> {
  for (const file of filesOf(manifest)) {
    const found = await stat(join(folder, file.name)).catch(() => undefined);
    if (found?.size !== file.size) throw brokenBase(folder, `${file.name} is missing or has another size`);
  }
}

/** Of a file that was touched since the base was made, all bytes are read; what was read once is remembered. */
async function checkTouched({ folder, files }: Base): Promise<void> {
  const { ctimeMs: made } = await stat(join(folder, baseFiles.manifest));
  for (const { name, sha256 } of filesOf({ files })) {
    const path = join(folder, name);
    const { mtimeMs, ctimeMs, nlink } = await stat(path);
    // A second name, as sweeps of grids have them, changes a file's ctime, and nothing of its bytes.
    if (mtimeMs <= made && (ctimeMs <= made || nlink > 1)) continue;
    if ((await rememberedDigest(path, imagesFolder())) !== sha256)
      throw brokenBase(folder, `${name} has another digest than when it was made`);
  }
}

/** What is not found out from the files; a Linux for x86-64 with ext4 where nothing else is said. */
export type BaseDescription = Omit<
  BaseManifest,
  'format' | 'contract' | 'os' | 'arch' | 'builtAt' | 'imported' | 'files' | 'digest'
> &
  Partial<Pick<BaseManifest, 'os' | 'arch'>> & {
    /** Of the disk for packages; absent where there is none. */
    readonly portable?: Omit<PortableDisk, keyof BaseFile>;
    /** Of the disk, where there is nothing else. */
    readonly adopted?: Omit<AdoptedDisk, keyof BaseFile>;
  };

/** Makes the files in `folder` the current base of that name; the folder is moved away. */
export async function publishBase(
  folder: string,
  { portable, adopted, ...description }: BaseDescription,
): Promise<BaseManifest> {
  const described = async (name: string) => describeFile(folder, name);
  const files = adopted
    ? { disk: { ...(await described(baseFiles.disk)), ...adopted } }
    : {
        root: await described(baseFiles.root),
        kernel: await described(baseFiles.kernel),
        initrd: await described(baseFiles.initrd),
        ...(portable && { disk: { ...(await described(baseFiles.disk)), ...portable } }),
      };
  const manifest: BaseManifest = {
    ...{ format: 1, contract: 1, os: 'linux', arch: 'x86_64', fileSystem: 'ext4' },
    ...description,
    builtAt: new Date().toISOString(),
    files,
    digest: baseDigest(files),
  };
  await writeFileAtomically(join(folder, baseFiles.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
  await installBase(folder, manifest);
  return manifest;
}

/** The identity of a base with these files. */
export function baseDigest(files: BaseManifest['files']): string {
  const lines = filesOf({ files }).map(({ name, sha256 }) => `${name} ${sha256}\n`);
  return digestText(lines.join(''));
}

async function describeFile(folder: string, name: string): Promise<BaseFile> {
  const path = join(folder, name);
  await syncPath(path);
  await chmod(path, 0o444);
  return { name, size: (await stat(path)).size, sha256: await digestFile(path) };
}

/** Makes a folder with a whole base, `base.json` included, the current one of its name; the folder is moved away. */
export async function installBase(
  folder: string,
  { name: base, digest }: Pick<BaseManifest, 'name' | 'digest'>,
): Promise<void> {
  const home = await ensureFolder(baseFolder(base));
  const name = digestFolderName(digest);
  await replaceFolder(folder, join(home, name));
  const link = await freshSibling(join(home, currentBase));
  try {
    await symlink(name, link);
    await rename(link, join(home, currentBase));
  } finally {
    await rm(link, { force: true });
  }
}

/** What stands there may have been damaged since it was made: the new one takes its place, or it is there again. */
async function replaceFolder(folder: string, place: string): Promise<void> {
  const aside = await freshSibling(place);
  const found = await rename(place, aside).then(
    () => true,
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
  try {
    await rename(folder, place);
  } catch (error) {
    if (found) await rename(aside, place);
    throw error;
  }
  if (found) await rm(aside, { recursive: true, force: true });
}
