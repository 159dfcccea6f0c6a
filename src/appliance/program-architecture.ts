import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApplianceManifest } from '../model/appliance.js';
import type { Architecture } from '../model/base.js';
import { GvaError } from '../system/errors.js';
import { applianceFiles } from '../system/paths.js';
import { firstWord } from './autorun.js';
import type { ApplianceFolder } from './load.js';

/** Numbers of processors (System V ABI, ELF header, "e_machine"). */
const names: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'mips',
  20: 'powerpc',
  21: 'powerpc64',
  22: 's390x',
  40: 'arm',
  62: 'x86_64',
  183: 'aarch64',
  243: 'riscv64',
};

/** What kernels of ours run besides their own: a PC's the programs of its predecessors. */
const runs: Readonly<Record<Architecture, readonly number[]>> = { x86_64: [62, 3], aarch64: [183] };

const headerLength = 20;

/**
 * Finds, before any boot, that the program of `run` is for another processor than that of the base. Scripts, and programs
 * of the base, are not looked at.
 *
 * @throws GvaError PROGRAM_ARCHITECTURE
 */
export async function checkProgramArchitecture(
  { appliance, folder }: ApplianceFolder,
  base: { readonly name: string; readonly arch: Architecture },
): Promise<void> {
  const path = programOf(appliance, folder);
  const machine = path && (await machineOf(path));
  if (!machine || runs[base.arch].includes(machine)) return;
  const found = names[machine] ?? `processors of number ${machine}`;
  throw new GvaError(
    'PROGRAM_ARCHITECTURE',
    `${path} is a program for ${found}; the base image ${base.name} is ${base.arch}`,
    { hint: 'Build it for that, or name a base of its architecture in gva.yaml: gva base list' },
  );
}

function programOf({ run }: ApplianceManifest, folder: string): string | undefined {
  const word = firstWord(run)?.replace(/^\.\//, '');
  // With PATH as it is in the guest; what leads out of the folder is none of the appliance's.
  return word === undefined || word.split('/').includes('..') || word.startsWith('/')
    ? undefined
    : join(folder, applianceFiles.app, word);
}

/** Undefined where it is no ELF file, or there is none. */
async function machineOf(path: string): Promise<number | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (!file) return undefined;
  try {
    if (!(await file.stat()).isFile()) return undefined;
    const { bytesRead, buffer } = await file.read(Buffer.alloc(headerLength), 0, headerLength, 0);
    if (bytesRead < headerLength || buffer.readUInt32BE(0) !== 0x7f454c46) return undefined;
    // EI_DATA: 2 is the byte order of big ends.
    return buffer[5] === 2 ? buffer.readUInt16BE(18) : buffer.readUInt16LE(18);
  } finally {
    await file.close();
  }
}
