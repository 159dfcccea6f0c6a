import { access, readdir, rm, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { digestText, ensureFolder, readTextIfExists, writeFileAtomically } from '../system/files.js';
import { baseNeedsFolder } from '../system/paths.js';
import { digestFolderName } from './base-manifest.js';

/** Something that could no longer be used, or not in the same way, if a base were gone. */
export interface BaseNeed {
  /**
   * `package`: a thin one. `sweep`: one that has points to run. `appliance`: a folder that was run with the base; it needs
   * no base but the current one of its name. `layer`, `template`: made upon it.
   */
  readonly kind: 'package' | 'sweep' | 'appliance' | 'layer' | 'template';
  /** Absolute; when nothing is there any more, nothing needs the base. */
  readonly path: string;
}

/** Notes that something needs a base. Nothing fails for want of the note. */
export async function noteNeed(digest: string, { kind, path }: BaseNeed): Promise<void> {
  const need = { kind, path: resolve(path) };
  const file = needFile(digest, need);
  if (await isThere(file)) return;
  await ensureFolder(needsFolder(digest))
    .then(() => writeFileAtomically(file, JSON.stringify(need)))
    .catch(() => undefined);
}

export async function dropNeed(digest: string, { kind, path }: BaseNeed): Promise<void> {
  await rm(needFile(digest, { kind, path: resolve(path) }), { force: true }).catch(() => undefined);
}

/** Who needs a base, by path; notes of what is gone are removed. @param digest the first 16 digits of it or more */
export async function needsOf(digest: string): Promise<BaseNeed[]> {
  const folder = needsFolder(digest);
  const names = await readdir(folder).catch(() => []);
  const needs: BaseNeed[] = [];
  for (const name of names.filter((each) => /^[0-9a-f]{32}\.json$/.test(each))) {
    const need = parseNeed(await readTextIfExists(join(folder, name)));
    if (need && (await isThere(need.path))) needs.push(need);
    else await rm(join(folder, name), { force: true });
  }
  if (needs.length === 0 && names.length > 0) await rmdir(folder).catch(() => undefined);
  return needs.sort((one, other) => (one.path < other.path ? -1 : 1));
}

const needsFolder = (digest: string) => join(baseNeedsFolder(), digestFolderName(digest));
const needFile = (digest: string, { kind, path }: BaseNeed) =>
  join(needsFolder(digest), `${digestText(`${kind} ${path}`).slice(0, 32)}.json`);

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

function parseNeed(text: string | undefined): BaseNeed | undefined {
  try {
    const { kind, path } = JSON.parse(text ?? '') as BaseNeed;
    return typeof path === 'string' && typeof kind === 'string' ? { kind, path } : undefined;
  } catch {
    return undefined;
  }
}
