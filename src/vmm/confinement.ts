import { ExitCode, GvaError } from '../system/errors.js';
import { type Reach, confinedCommand } from './bubblewrap.js';
import { findConfinement } from './confinement-probe.js';
import type { MachineSpec } from './driver.js';
import type { VmmCommand } from './supervisor.js';

/**
 * The files that a machine consists of. Overlays and UEFI variables may be written, the images below not.
 *
 * @param readOnlyMemory the VMM opens memory that only begins as a file for reading
 */
export function machineReach(
  { boot, disks, incoming, memoryFile, saveSocket, exchange, insertFolder }: MachineSpec,
  readOnlyMemory = false,
): Reach {
  const direct = boot.kind === 'direct' && !incoming ? [boot.kernel, boot.initrd] : [];
  const variables = boot.kind === 'firmware' && boot.firmware === 'uefi' ? [boot.variables] : [];
  const memory = (writable: boolean) =>
    memoryFile && (memoryFile.shared || !readOnlyMemory) === writable ? [memoryFile.file] : [];
  const images = (writable: boolean) =>
    disks.filter(({ access }) => (access === 'read-write') === writable).map(({ image }) => image);
  return {
    readable: [
      ...[...direct, ...images(false), ...memory(false)],
      ...disks.flatMap(({ backing }) => backing ?? []),
      // Who may see it may connect to it.
      ...(saveSocket === undefined ? [] : [saveSocket]),
      ...(exchange?.readable ?? []),
      ...(insertFolder === undefined ? [] : [insertFolder]),
    ],
    writable: [
      ...variables,
      ...images(true),
      ...memory(true),
      ...disks.flatMap(({ overlay }) => overlay ?? []),
      ...(exchange ? [exchange.folder] : []),
      ...disks.flatMap(({ layers = [] }) => layers),
    ],
  };
}

/** What GVA_SANDBOX may say. `auto`, also where it says nothing: bubblewrap where it works. */
export const sandboxSettings = ['auto', 'off', 'required'] as const;
export type SandboxSetting = (typeof sandboxSettings)[number];

/** @throws GvaError SANDBOX_SETTING */
export function sandboxSetting(): SandboxSetting {
  const value = process.env['GVA_SANDBOX'] ?? '';
  const setting = value === '' ? 'auto' : sandboxSettings.find((known) => known === value);
  if (setting) return setting;
  throw new GvaError('SANDBOX_SETTING', `GVA_SANDBOX says ${JSON.stringify(value)}`, {
    hint: `It may say ${sandboxSettings.join(', ')}, or nothing.`,
  });
}

/**
 * The command inside bubblewrap, where that is installed and works on this host, else as it is. Inside there is
 * no network, no other process and no file but those in its reach; what it inherits stays open, and it ends with
 * its parent.
 *
 * @throws GvaError SANDBOX_MISSING where it must not go without (`GVA_SANDBOX=required`), SANDBOX_SETTING
 */
export async function confined(command: VmmCommand, reach: Reach): Promise<VmmCommand> {
  const setting = sandboxSetting();
  if (setting === 'off') return command;
  const found = await findConfinement(command);
  if (found.works) return confinedCommand(command, reach, found);
  if (setting === 'auto') return command;
  throw new GvaError('SANDBOX_MISSING', `GVA_SANDBOX says required, but ${found.reason}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'Install bubblewrap, on a host that lets ordinary users have namespaces: apt-get install bubblewrap',
  });
}
