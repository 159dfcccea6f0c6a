import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fullDiskErrno } from '../system/errors.js';

/** Comes back with true when it is worth another attempt to write so many bytes. */
export type UntilRoom = (bytes: number) => Promise<boolean>;

/** Does it again, from the beginning, where the disk is full and somebody waits until it is not. */
export async function savePatiently<T>(
  save: () => Promise<T>,
  bytes: number,
  untilRoom: UntilRoom | undefined,
): Promise<T> {
  for (;;)
    try {
      return await save();
    } catch (error) {
      if (fullDiskErrno(error) === undefined || !(await untilRoom?.(bytes))) throw error;
    }
}

export async function emptyFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}
