import { constants } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ext4Size, makeExt4 } from '../disk/ext4-image.js';
import { GvaError, errnoOf } from '../system/errors.js';
import type { FolderDigest, TreeEntry } from '../system/folder-digest.js';
import { imagesFolder } from '../system/paths.js';

/** Bytes that a guest may add to its copy of the application or data disk. */
export const freeSpace = 16 << 20;

/** What GVA adds to the application disk: relative path to text; executable where it is in script-bin. */
export type GeneratedFiles = Readonly<Record<string, string>>;

interface Tree extends FolderDigest {
  readonly folder: string;
}

export interface AppImageContent {
  readonly app: Tree;
  readonly generated: GeneratedFiles;
  /** Becomes the folder `data`. */
  readonly data?: Tree;
  /** Bytes for a folder `output`; 0 where there is none. */
  readonly outputSize: number;
}

/** Makes the application disk in a new file. */
export async function makeAppImage(
  file: string,
  { app, generated, data, outputSize }: AppImageContent,
): Promise<void> {
  const staging = await mkdtemp(join(imagesFolder(), '.app-'));
  try {
    await copyTree(app, staging);
    for (const [path, text] of Object.entries(generated)) await writeGenerated(staging, path, text);
    if (data) await copyTree(data, await newFolder(staging, 'data'));
    if (outputSize > 0) await newFolder(staging, 'output');
    const entries = app.entries.length + (data?.entries.length ?? 0) + Object.keys(generated).length + 4;
    const bytes = app.bytes + (data?.bytes ?? 0) + outputSize;
    await makeExt4(file, { label: 'GVA-APP', from: staging, ...ext4Size(entries, bytes, freeSpace) });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function copyTree({ folder, entries }: Tree, target: string): Promise<void> {
  for (const entry of entries) await copyEntry(folder, target, entry);
}

async function copyEntry(from: string, to: string, { path, stat: info }: TreeEntry): Promise<void> {
  const target = join(to, path);
  if (info.isDirectory()) await mkdir(target, { mode: info.mode | 0o700 });
  else if (info.isSymbolicLink()) await symlink(await readlink(join(from, path)), target);
  else await copyFile(join(from, path), target, constants.COPYFILE_FICLONE);
}

async function newFolder(staging: string, name: string): Promise<string> {
  await mkdir(join(staging, name)).catch((error: unknown) => {
    throw errnoOf(error) === 'EEXIST' ? inTheWay(name, error) : error;
  });
  return join(staging, name);
}

async function writeGenerated(staging: string, path: string, text: string): Promise<void> {
  const target = join(staging, path);
  await mkdir(dirname(target), { recursive: true });
  try {
    await writeFile(target, text, { flag: 'wx', mode: path.startsWith('script-bin/') ? 0o755 : 0o644 });
  } catch (error) {
    throw inTheWay(path, error);
  }
}

const inTheWay = (path: string, cause: unknown) =>
  new GvaError('APPLIANCE_INVALID', `app/${path} is in the way of a file that GVA makes`, { cause });
