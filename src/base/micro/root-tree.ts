import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { guestFile } from '../../system/paths.js';
import { runTool } from '../../system/process.js';
import type { KernelModule } from '../kernel-modules.js';
import { installGvad, installProgram, mediaFolders, writeModules } from '../root-files.js';

export interface RootTreeSources {
  /** The static busybox, a program of this machine's architecture. */
  busybox: string;
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
  const installed = await installGvad(folder);
  await installProgram(sources.busybox, join(folder, 'bin/busybox'));
  await linkApplets(folder, sources.busybox);
  await installProgram(guestFile('micro/init'), join(folder, 'bin/init'));
  for (const [release, modules] of sources.modules)
    await writeModules(join(folder, 'lib/modules', release), modules);
  return installed;
}

async function linkApplets(folder: string, busybox: string): Promise<void> {
  const applets = (await runTool(busybox, ['--list'])).toString().trim().split('\n');
  for (const applet of applets)
    if (applet !== 'busybox' && applet !== 'init') await symlink('busybox', join(folder, 'bin', applet));
}
