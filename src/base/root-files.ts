import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Architecture } from '../model/base.js';
import { guestFile } from '../system/package.js';
import { compileGuestProgram, guestPrograms } from './guest-programs.js';
import { type KernelModule, modulesAlias, modulesDep } from './kernel-modules.js';

/** Places of media, in every base. */
export const mediaFolders = ['app', 'cdrom', 'data', 'floppy', 'inserted', 'output'];

/** Links below /dev that programs expect and no kernel makes. */
export const standardStreams: Readonly<Record<string, string>> = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
};

const scripts = ['gvad', 'gvad-ovf-env'] as const;

/** What scripts may call, each program under its names. */
const tools = {
  'gva-progress': ['usr/bin/gva-progress', 'usr/bin/gva-message'],
  'gva-fetch': ['usr/bin/gva-fetch', 'usr/bin/gva-send', 'usr/sbin/gvad-fetch'],
} as const;

/** What GVAD is made of, below guest/. */
const programs = Object.values(guestPrograms);
export const gvadFiles = [
  ...scripts,
  ...(Object.keys(tools) as (keyof typeof tools)[]),
  ...programs.map((name) => `${name}.c` as const),
  'gvad-kernel.h',
  'gvad-bytes.h',
] as const;

/**
 * @returns `wake`: whether the guest can be woken and has the control channel, for which this machine must have a C compiler; guests of another
 * architecture cannot and have not
 */
export async function installGvad(
  root: string,
  arch: Architecture = 'x86_64',
): Promise<{ readonly wake: boolean }> {
  for (const name of scripts) await installProgram(guestFile(name), join(root, 'usr/sbin', name));
  for (const [name, places] of Object.entries(tools))
    for (const place of places) await installProgram(guestFile(name), join(root, place));
  if (arch !== 'x86_64') return { wake: false };
  for (const name of programs)
    if (!(await compileGuestProgram(name, join(root, 'usr/sbin', name)))) return { wake: false };
  return { wake: true };
}

export async function installProgram(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, target);
  await chmod(target, 0o755);
}

/** Modules with their list, as busybox's modprobe reads it. */
export async function writeModules(folder: string, modules: readonly KernelModule[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const module of modules) await writeFile(join(folder, `${module.name}.ko`), module.content);
  await writeFile(join(folder, 'modules.dep'), modulesDep(modules));
  await writeFile(join(folder, 'modules.alias'), modulesAlias(modules));
}
