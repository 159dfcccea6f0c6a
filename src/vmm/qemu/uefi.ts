import { chmod, copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ExitCode, GvaError } from '../../system/errors.js';

/** UEFI firmware (OVMF) as two images: code, and the variables as they are before a first boot. */
export interface UefiFirmware {
  readonly code: string;
  readonly variables: string;
}

/** Without Secure Boot, which needs a machine with SMM. Names of Debian, Fedora, Arch, and QEMU's own build. */
const names = [
  ['OVMF_CODE_4M.fd', 'OVMF_VARS_4M.fd'],
  ['OVMF_CODE.fd', 'OVMF_VARS.fd'],
  ['OVMF_CODE.4m.fd', 'OVMF_VARS.4m.fd'],
  ['edk2-x86_64-code.fd', 'edk2-i386-vars.fd'],
] as const;

/** The first in these folders. @throws GvaError UEFI_MISSING */
export async function findUefi(folders: readonly string[]): Promise<UefiFirmware> {
  for (const folder of folders)
    for (const [code, variables] of names) {
      const pair = { code: join(folder, code), variables: join(folder, variables) };
      if ((await isFile(pair.code)) && (await isFile(pair.variables))) return pair;
    }
  throw new GvaError('UEFI_MISSING', 'this machine has no UEFI firmware for QEMU', {
    exitCode: ExitCode.infrastructure,
    hint: 'Install it: apt-get install --no-install-recommends ovmf',
  });
}

const isFile = (path: string) =>
  stat(path).then(
    (info) => info.isFile(),
    () => false,
  );

/** Gives an instance variables of its own. */
export async function copyVariables(firmware: UefiFirmware, file: string): Promise<void> {
  await copyFile(firmware.variables, file);
  // The original may be read-only, and its copy with it.
  await chmod(file, 0o600);
}
