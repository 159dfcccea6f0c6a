import { readFile } from 'node:fs/promises';

/** The text of a file of the kernel; undefined where there is none, or it may not be read. */
export type ReadHostFile = (path: string) => Promise<string | undefined>;

export const readHostFile: ReadHostFile = (path) => readFile(path, 'latin1').catch(() => undefined);

/** The number behind a name at the beginning of a line (`/proc/meminfo`, `/proc/vmstat`, `memory.stat`). */
export function numberNamed(text: string | undefined, name: string): number | undefined {
  const digits = new RegExp(`^${name}:?[ \\t]+(\\d+)`, 'm').exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}
