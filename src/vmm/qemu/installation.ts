import { stat } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { Architecture } from '../../model/base.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { findProgram, runTool } from '../../system/process.js';

/** Of guests of an architecture. */
export const qemuPrograms: Readonly<Record<Architecture, { name: string; debianPackage: string }>> = {
  x86_64: { name: 'qemu-system-x86_64', debianPackage: 'qemu-system-x86' },
  aarch64: { name: 'qemu-system-aarch64', debianPackage: 'qemu-system-arm' },
};
/** The oldest that the tests know. */
const oldest = [7, 2] as const;

/** A QEMU on this machine. */
export interface QemuInstallation {
  /** Absolute. */
  readonly program: string;
  readonly version: string;
  /** Folders to name by `-L`; none where QEMU knows its own. */
  readonly dataFolders: readonly string[];
  /** What it needs beside this process's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * QEMU of the user's own, or this machine's; undefined where this machine has none.
 *
 * @param folder holds the program in `bin/` or directly. What is beside it is used: data in `share/qemu` and
 *   `share/seabios`, and libraries in `lib/`, so that Debian packages unpacked anywhere will do (name their `usr`)
 * @throws GvaError QEMU_FOLDER where the folder has no QEMU, QEMU_BROKEN where it does not start
 */
export async function findQemu(
  folder?: string,
  arch: Architecture = 'x86_64',
): Promise<QemuInstallation | undefined> {
  const { name } = qemuPrograms[arch];
  if (folder !== undefined) return ownQemu(resolve(folder), name);
  const program = await findProgram(name);
  return program === undefined ? undefined : describe({ program, dataFolders: [], env: {} });
}

async function ownQemu(folder: string, name: string): Promise<QemuInstallation> {
  for (const program of [join(folder, 'bin', name), join(folder, name)]) {
    if ((await findProgram(program)) === undefined) continue;
    const dataFolders = await existing(['share/qemu', 'share/seabios'].map((part) => join(folder, part)));
    return describe({ program, dataFolders, env: await libraryPath(folder) });
  }
  throw new GvaError('QEMU_FOLDER', `there is no ${name} in ${folder} or its bin/`, {
    hint: 'Name the folder that QEMU was installed into: its --prefix, or usr of unpacked packages.',
  });
}

async function libraryPath(folder: string): Promise<Record<string, string>> {
  const own = await existing(['lib/x86_64-linux-gnu', 'lib64', 'lib'].map((name) => join(folder, name)));
  if (own.length === 0) return {};
  const inherited = process.env['LD_LIBRARY_PATH'];
  return { LD_LIBRARY_PATH: [...own, ...(inherited ? [inherited] : [])].join(delimiter) };
}

async function existing(folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders)
    if ((await stat(folder).catch(() => undefined))?.isDirectory()) found.push(folder);
  return found;
}

async function describe(found: Omit<QemuInstallation, 'version'>): Promise<QemuInstallation> {
  const options = { env: { ...found.env }, signal: AbortSignal.timeout(10_000) };
  try {
    const said = (await runTool(found.program, ['--version'], options)).toString();
    return { ...found, version: /version (\S+)/.exec(said)?.[1] ?? 'unknown' };
  } catch (error) {
    throw new GvaError('QEMU_BROKEN', `${found.program} does not start`, {
      exitCode: ExitCode.infrastructure,
      hint: 'Try: ' + [found.program, '--version'].join(' '),
      cause: error,
    });
  }
}

/** Whether a version is too old for the command lines made here; one that cannot be read is not. */
export function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
}

/** Whether guest memory can begin as a file that QEMU may not write (`readonly=on,rom=off`): since 9.0. */
export const mapsReadOnlyFiles = (version: string) => Number(version.split('.')[0]) >= 9;

/** Folders that UEFI firmware may be in, those of this QEMU first. */
export function firmwareFolders({ program, dataFolders }: QemuInstallation): string[] {
  const prefixes = [
    ...new Set([...dataFolders.map((folder) => dirname(dirname(folder))), dirname(dirname(program))]),
  ];
  return [
    ...dataFolders,
    ...prefixes.flatMap((prefix) => [join(prefix, 'share/OVMF'), join(prefix, 'share/qemu')]),
    ...['/usr/share/OVMF', '/usr/share/edk2/ovmf', '/usr/share/edk2/x64', '/usr/share/qemu'],
  ];
}
