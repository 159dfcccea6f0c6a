import { realpathSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { digestText, ensureFolder, writeFileAtomically } from '../../system/files.js';
import { readCapped } from './capped.js';
import { sweepsFolder } from '../../system/paths.js';

/** A sweep that the user has run: its name, and the absolute path of its folder, which may be gone. */
export interface KnownSweep {
  readonly name: string;
  readonly folder: string;
}

const schema = z.looseObject({
  format: z.literal('gva-known-sweep/1'),
  name: z.string(),
  folder: z.string(),
});

/** Notes the sweep, so that commands find its folder by its name. */
export async function rememberSweep(name: string, folder: string): Promise<void> {
  const path = absolute(folder);
  await ensureFolder(sweepsFolder());
  const entry = { format: 'gva-known-sweep/1', name, folder: path };
  await writeFileAtomically(fileOf(path), `${JSON.stringify(entry)}\n`);
}

export async function forgetSweep(folder: string): Promise<void> {
  await rm(fileOf(absolute(folder)), { force: true });
}

/** Sorted by name, then by folder. What is no such file is passed over. */
export async function knownSweeps(): Promise<KnownSweep[]> {
  const names = await readdir(sweepsFolder()).catch(() => []);
  const found: KnownSweep[] = [];
  for (const file of names.filter((name) => /^[0-9a-f]{32}\.json$/.test(name))) {
    const text = await readCapped(join(sweepsFolder(), file), 1 << 16).catch(() => undefined);
    const entry = text === undefined ? undefined : parse(text);
    if (entry) found.push(entry);
  }
  return found.sort((a, b) => compare(a.name, b.name) || compare(a.folder, b.folder));
}

function parse(text: string): KnownSweep | undefined {
  try {
    const { name, folder } = schema.parse(JSON.parse(text));
    return { name, folder };
  } catch {
    return undefined;
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));
const fileOf = (path: string) => join(sweepsFolder(), `${digestText(path).slice(0, 32)}.json`);

/** One path for a folder, whatever links lead there; of one that is gone, as it is said. */
function absolute(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return resolve(folder);
  }
}
