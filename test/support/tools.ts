import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian packages of the programs that tests use as oracles. */
const packages: Readonly<Record<string, string>> = {
  blkid: 'util-linux',
  busybox: 'busybox-static',
  bwrap: 'bubblewrap',
  debugfs: 'e2fsprogs',
  dpkg: 'dpkg',
  e2fsck: 'e2fsprogs',
  filefrag: 'e2fsprogs',
  'fsck.fat': 'dosfstools',
  mcopy: 'mtools',
  mdir: 'mtools',
  mke2fs: 'e2fsprogs',
  mdel: 'mtools',
  'mkfs.fat': 'dosfstools',
  mlabel: 'mtools',
  objcopy: 'binutils',
  openssl: 'openssl',
  'qemu-img': 'qemu-utils',
  'qemu-system-x86_64': 'qemu-system-x86',
  sbatch: 'slurm-client',
  script: 'bsdutils',
  setpriv: 'util-linux',
  sfdisk: 'fdisk',
  shellcheck: 'shellcheck',
  xmllint: 'libxml2-utils',
  xorriso: 'xorriso',
};

/**
 * Path of a program that a test needs. A test without its oracle proves nothing, so this fails rather than
 * skips. Debian keeps some of them in directories that are not on an ordinary user's PATH.
 */
export function requireTool(name: string): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const path = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (path !== undefined) return path;
  throw new Error(`this test needs the program ${name}: apt-get install ${packages[name] ?? name}`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
