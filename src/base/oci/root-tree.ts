import { lstat, mkdir, readFile, readdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openRaw } from '../../disk/source.js';
import type { BaseDefaults } from '../../model/base.js';
import { guestFile } from '../../system/package.js';
import type { KernelModule } from '../kernel-modules.js';
import { appletsIn } from '../micro/root-tree.js';
import { installGvad, installProgram, mediaFolders, standardStreams, writeModules } from '../root-files.js';
import { environmentText, imageText, ownerOf, passwdText } from './defaults.js';
import { type ImageTree, fileNode, folderNode, linkNode } from './image-tree.js';

export interface GuestParts {
  readonly busybox: string;
  /** Kernel release to the modules for it. */
  readonly modules: ReadonlyMap<string, readonly KernelModule[]>;
  readonly defaults: BaseDefaults;
}

const fstab = [
  'sys /sys sysfs defaults 0 0',
  'tmp /tmp tmpfs mode=1777 0 0',
  'run /run tmpfs mode=755 0 0',
  'shm /dev/shm tmpfs mode=1777 0 0',
  'pts /dev/pts devpts mode=620 0 0',
  '',
].join('\n');

/**
 * Puts into the root file system of a container image what makes it a guest: GVAD, its programs, the way to them.
 *
 * @param folder a new one, which the tree refers to
 * @returns `wake`: whether the guest can be woken
 */
export async function addGuest(
  tree: ImageTree,
  folder: string,
  { busybox, modules, defaults }: GuestParts,
): Promise<{ readonly wake: boolean }> {
  const accounts = { passwd: await textAt(tree, '/etc/passwd'), group: await textAt(tree, '/etc/group') };
  const owner = ownerOf(defaults.user ?? '', accounts);
  const installed = await installGvad(folder);
  await installProgram(guestFile('oci/init'), join(folder, 'sbin/init'));
  await installProgram(guestFile('oci/run'), join(folder, 'etc/gva/run'));
  await writeFile(join(folder, 'etc/gva/environment'), environmentText(defaults));
  await bringPrograms(join(folder, 'usr/lib/gva'), busybox);
  await writeFile(join(folder, 'usr/lib/gva/image.sh'), imageText(defaults, owner));
  for (const [release, list] of modules) await writeModules(join(folder, 'lib/modules', release), list);
  for (const name of [...mediaFolders, 'dev', 'proc', 'run', 'sys']) tree.place(name, folderNode());
  tree.place('tmp', folderNode(0o1777));
  await placeFolder(tree, folder);
  completeSystem(tree);
  const passwd = await textAt(tree, '/etc/passwd');
  const completed = passwdText({ ...accounts, passwd }, owner);
  if (completed !== passwd) tree.place('etc/passwd', fileNode(completed));
  return installed;
}

async function bringPrograms(folder: string, busybox: string): Promise<void> {
  await installProgram(busybox, join(folder, 'busybox'));
  await symlink('busybox', join(folder, 'modprobe'));
  await mkdir(join(folder, 'bin'));
  for (const applet of appletsIn(await readFile(busybox)))
    if (applet !== 'init') await symlink('../busybox', join(folder, 'bin', applet));
  const dev = join(folder, 'dev');
  for (const name of ['pts', 'shm']) await mkdir(join(dev, name), { recursive: true });
  for (const [name, target] of Object.entries(standardStreams)) await symlink(target, join(dev, name));
}

/** What every system has, and many an image lacks. */
function completeSystem(tree: ImageTree): void {
  tree.place('etc/fstab', fileNode(fstab));
  // Empty: a machine that was not woken has no id of its own.
  tree.place('etc/machine-id', fileNode(''));
  tree.place('etc/hostname', fileNode('gva\n'));
  tree.place('etc/hosts', fileNode('127.0.0.1 localhost gva\n'));
  if (!tree.find('bin/sh')) tree.place('bin/sh', linkNode('/usr/lib/gva/busybox'));
  if (!tree.find('etc/passwd')) tree.place('etc/passwd', fileNode('root:x:0:0:root:/root:/bin/sh\n'));
  if (!tree.find('etc/group')) tree.place('etc/group', fileNode('root:x:0:\n'));
  for (const [path, mode] of [
    ['root', 0o700],
    ['var/tmp', 0o1777],
  ] as const)
    if (!tree.find(path)) tree.place(path, folderNode(mode));
}

/** Folders that the image has stay as they are, also where they are links to others. */
async function placeFolder(tree: ImageTree, folder: string, path = ''): Promise<void> {
  for (const name of await readdir(join(folder, path))) {
    const inside = join(path, name);
    const file = join(folder, inside);
    const info = await lstat(file);
    if (info.isSymbolicLink()) tree.place(inside, linkNode(await readlink(file)));
    else if (info.isFile()) tree.place(inside, fileNode({ file, at: 0, size: info.size }, info.mode & 0o777));
    else {
      if (tree.find(inside)?.kind !== 'folder') tree.place(inside, folderNode());
      await placeFolder(tree, folder, inside);
    }
  }
}

/** Bytes of a text file that are read: dpkg's list of a whole desktop has 5 MB. */
const longestText = 64 << 20;

/** Text of a file of the tree; empty where it has none. */
export async function textAt(tree: ImageTree, path: string): Promise<string> {
  const node = tree.find(path);
  if (node?.kind !== 'file') return '';
  const { content } = node;
  if ('bytes' in content) return content.bytes.toString();
  await using source = await openRaw(content.file);
  return (await source.read(content.at, Math.min(content.size, longestText))).toString();
}
