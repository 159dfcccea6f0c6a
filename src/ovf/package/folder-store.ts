import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { openRaw, type BlockSource } from '../../disk/source.js';
import type { PackageProblem } from '../../model/envelope.js';
import { GvaError, errnoOf, messageOf } from '../../system/errors.js';
import { memberRefused, nameFault, shownName } from './member-name.js';
import { isDescriptorName, type MemberStore, type PackageMember } from './member-store.js';

/**
 * The package whose descriptor is a file of its own. Its members are the regular files beside and below it; the
 * folder is not listed, as it may be one of downloads.
 *
 * @param path of the descriptor, followed where it is a symbolic link
 */
export async function openBesideDescriptor(path: string): Promise<MemberStore> {
  const real = await realpath(path);
  return FolderStore.open(dirname(real), basename(real));
}

/**
 * The package in a folder.
 *
 * @throws GvaError PACKAGE_FORMAT where there is not exactly one descriptor
 */
export async function openFolder(path: string): Promise<MemberStore> {
  const folder = await realpath(path);
  const names = await readdir(folder).catch((error: unknown) => {
    throw new GvaError('PACKAGE_OPEN', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  });
  const descriptors = names.filter((name) => isDescriptorName(name) && !name.startsWith('.')).sort();
  const [descriptor] = descriptors;
  if (descriptor === undefined)
    throw new GvaError('PACKAGE_FORMAT', `${path} has no descriptor (a file with the extension .ovf)`);
  if (descriptors.length > 1)
    throw new GvaError(
      'PACKAGE_FORMAT',
      `${path} has more than one descriptor: ${descriptors.slice(0, 5).map(shownName).join(', ')}`,
      { hint: 'Give the path of one of them.' },
    );
  return FolderStore.open(folder, descriptor);
}

class FolderStore implements MemberStore {
  readonly descriptorName: string;
  readonly members = new Map<string, PackageMember & { readonly path: string }>();
  readonly ignored: readonly string[] = [];
  readonly problems: readonly PackageProblem[] = [];
  readonly #folder: string;

  private constructor(folder: string, descriptorName: string) {
    this.#folder = folder;
    this.descriptorName = descriptorName;
  }

  static async open(folder: string, descriptorName: string): Promise<FolderStore> {
    const store = new FolderStore(folder, descriptorName);
    if ((await store.find(descriptorName)) === undefined)
      throw new GvaError('PACKAGE_FORMAT', `${join(folder, descriptorName)} is not a regular file`);
    return store;
  }

  async find(name: string): Promise<PackageMember | undefined> {
    const known = this.members.get(name);
    if (known !== undefined || nameFault(name) !== undefined) return known;
    const found = await this.#locate(name);
    if (found === undefined) return undefined;
    const { path, info } = found;
    if (!path.startsWith(this.#folder === sep ? sep : this.#folder + sep))
      throw memberRefused(name, 'it is a symbolic link that leads out of the folder');
    if (info.isDirectory()) return undefined;
    if (!info.isFile()) throw memberRefused(name, 'it is not a regular file');
    const member = { size: info.size, path };
    this.members.set(name, member);
    return member;
  }

  async #locate(name: string) {
    try {
      const path = await realpath(join(this.#folder, name));
      return { path, info: await stat(path) };
    } catch (error) {
      if (ABSENT.has(errnoOf(error) ?? '')) return undefined;
      throw memberRefused(name, messageOf(error), error);
    }
  }

  open(name: string): Promise<BlockSource> {
    const path = this.members.get(name)?.path;
    return path === undefined ? Promise.reject(new Error(`${name} is no member`)) : openRaw(path);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** There is nothing of a name. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);
