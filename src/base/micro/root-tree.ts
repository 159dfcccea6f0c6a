import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from '../../model/base.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { guestFile } from '../../system/package.js';
import type { KernelModule } from '../kernel-modules.js';
import { installGvad, installProgram, mediaFolders, writeModules } from '../root-files.js';

export interface RootTreeSources {
  /** The static busybox. */
  busybox: string;
  arch?: Architecture;
  /** Kernel release to the modules for it. */
  modules: ReadonlyMap<string, readonly KernelModule[]>;
}

const folders = [...mediaFolders, 'bin', 'dev', 'etc', 'lib', 'proc', 'root', 'run', 'sys'];

const textFiles: Record<string, string> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  'etc/fstab': [
    'sys /sys sysfs defaults 0 0',
    'tmp /tmp tmpfs mode=1777 0 0',
    'run /run tmpfs mode=755 0 0',
    'shm /dev/shm tmpfs mode=1777 0 0',
    'pts /dev/pts devpts defaults 0 0',
    '',
  ].join('\n'),
  // Empty: a machine that was not woken has no id of its own.
  'etc/machine-id': '',
  'etc/hosts': '127.0.0.1 localhost gva\n',
  'etc/os-release': 'ID=gva-micro\nNAME="GVA micro"\n',
};

/**
 * Writes the root file system of the base into a new folder.
 *
 * @returns `wake`: whether the guest can be woken
 */
export async function writeRootTree(
  folder: string,
  sources: RootTreeSources,
): Promise<{ readonly wake: boolean }> {
  for (const name of [...folders, 'tmp', 'usr/bin', 'usr/sbin', 'usr/local/bin', 'var/tmp'])
    await mkdir(join(folder, name), { recursive: true });
  await chmod(join(folder, 'tmp'), 0o1777);
  await symlink('bin', join(folder, 'sbin'));
  for (const [name, text] of Object.entries(textFiles)) await writeFile(join(folder, name), text);
  const installed = await installGvad(folder, sources.arch);
  await installProgram(sources.busybox, join(folder, 'bin/busybox'));
  await linkApplets(folder, sources.busybox);
  await installProgram(guestFile('micro/init'), join(folder, 'bin/init'));
  for (const [release, modules] of sources.modules)
    await writeModules(join(folder, 'lib/modules', release), modules);
  return installed;
}

async function linkApplets(folder: string, busybox: string): Promise<void> {
  for (const applet of appletsIn(await readFile(busybox)))
    if (applet !== 'busybox' && applet !== 'init') await symlink('busybox', join(folder, 'bin', applet));
}

/** Where busybox has the names of its applets, one after the other, in their order (applets/applet_tables.c). */
const firstApplets = Buffer.from('\0[\0[[\0');

/**
 * The applets of a busybox for any machine, which `busybox --list` would print on its own.
 *
 * @throws GvaError PACKAGE_CONTENT
 */
export function appletsIn(busybox: Buffer): string[] {
  const start = busybox.indexOf(firstApplets) + 1;
  const end = busybox.indexOf('\0\0', start, 'latin1');
  const names = start > 0 ? busybox.toString('latin1', start, end).split('\0') : [];
  if (names.includes('sh') && names.every((name) => /^[a-z0-9_.+[-]+$/i.test(name))) return names;
  throw new GvaError('PACKAGE_CONTENT', 'the names of the applets were not found in busybox', {
    exitCode: ExitCode.infrastructure,
  });
}
