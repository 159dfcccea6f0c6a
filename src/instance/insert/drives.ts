import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scratchFiles } from '../../system/paths.js';
import type { MachineSpec } from '../../vmm/driver.js';

/** Bytes of the disk that the host rewrites in place; a hole, until something is in it. */
export const mailboxSize = 256 << 20;

/**
 * The machine with the drives that media come into while it runs.
 *
 * @param scratch the folder of its disks
 */
export async function withDrives(spec: MachineSpec, scratch: string): Promise<MachineSpec> {
  const image = join(scratch, scratchFiles.mailbox);
  const insertFolder = join(scratch, scratchFiles.inserted);
  await writeFile(image, '', { mode: 0o600 });
  await truncate(image, mailboxSize);
  await mkdir(insertFolder, { recursive: true });
  return {
    ...spec,
    disks: [...spec.disks, { id: 'mailbox', image, size: mailboxSize, access: 'read-only' }],
    insertFolder,
  };
}
