import { readFile } from 'node:fs/promises';
import { type CpioEntry, cpioArchive } from '../../disk/cpio.js';
import { guestFile } from '../../system/package.js';
import { type KernelModule, modulesAlias, modulesDep } from '../kernel-modules.js';

export interface InitrdSources {
  /** The static busybox. */
  busybox: string;
  kernelRelease: string;
  /** Modules to load at once. */
  wanted: readonly string[];
  /** All modules it has, those that others need included. */
  modules: readonly KernelModule[];
  /** Load what the machine's devices ask for, too. */
  byDevice: boolean;
}

/** The initial RAM disk that finds and mounts the root file system (guest/initrd-init), uncompressed. */
export async function rootInitrd(sources: InitrdSources): Promise<Buffer> {
  const { busybox, kernelRelease, wanted, modules, byDevice } = sources;
  const folder = `lib/modules/${kernelRelease}`;
  const folders = ['bin', 'dev', 'lib', 'lib/modules', folder, 'modules', 'proc', 'sbin', 'sys', 'sysroot'];
  const file = (path: string, mode: number, content: string | Buffer): CpioEntry => ({
    ...{ kind: 'file', path, mode },
    content: Buffer.from(content),
  });
  return cpioArchive([
    ...folders.map((path) => ({ kind: 'directory' as const, path })),
    file('bin/busybox', 0o755, await readFile(busybox)),
    // What the kernel itself calls for a module.
    { kind: 'symlink', path: 'sbin/modprobe', target: '../bin/busybox' },
    file('init', 0o755, await readFile(guestFile('initrd-init'))),
    file('modules/wanted', 0o644, `${wanted.join(' ')}\n`),
    file(`${folder}/modules.dep`, 0o644, modulesDep(modules)),
    ...(byDevice ? [file(`${folder}/modules.alias`, 0o644, modulesAlias(modules))] : []),
    ...modules.map(({ name, content }) => file(`${folder}/${name}.ko`, 0o644, content)),
  ]);
}
