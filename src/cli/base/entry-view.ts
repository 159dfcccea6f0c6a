import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { BaseEntry } from '../../base/catalogue/catalogue.js';
import { bootsOf, originOf, type BaseManifest, type BaseOrigin } from '../../model/base.js';
import { baseUsedFile } from '../../system/paths.js';
import { formatSize } from '../../system/units.js';
import { lineWidth, textTable } from '../sweep/text-table.js';

/** A base as `--json` tells of it; dates are ISO 8601, UTC. */
export function entryJson(entry: BaseEntry): object {
  const { name, mark, folder, current, size, builtAt, packageCount, manifest, problem } = entry;
  const facts = { name, digest: manifest?.digest ?? mark, current, folder, size };
  const lastUse = lastUseOf(entry);
  const dates = { builtAt: dateOf(builtAt), lastUse: lastUse === undefined ? null : dateOf(lastUse) };
  if (!manifest) return { ...facts, ...dates, problem };
  const { version = null, description, os, distribution = null, arch, kernelRelease, contract } = manifest;
  return {
    ...{ ...facts, version, description, os, distribution, arch, kernelRelease },
    ...{ umlRelease: manifest.umlRelease ?? null, boots: bootsOf(manifest as BaseManifest) },
    ...{ fileSystem: manifest.fileSystem ?? 'ext4', contract, packages: packageCount },
    ...{ origin: originOf(manifest as BaseManifest), imported: manifest.imported ?? null },
    ...dates,
  };
}

/** Prints bases as a table on standard output. */
export function printEntries(entries: readonly BaseEntry[]): void {
  const column = (title: string, cell: (entry: BaseEntry) => string, right = false) => ({
    ...{ title, cells: entries.map(cell), right },
  });
  const table = [
    { ...column('NAME', ({ name, current }) => (current ? name : `${name} (earlier)`)), wide: true },
    column('DIGEST', ({ mark }) => mark),
    column('SYSTEM', systemOf),
    column('ARCH', ({ manifest }) => manifest?.arch ?? ''),
    column('PACKAGES', ({ packageCount }) => String(packageCount), true),
    column('SIZE', ({ size }) => formatSize(size), true),
    column('BUILT', ({ builtAt }) => dayOf(builtAt)),
    column('LAST USE', (entry) => dayOf(lastUseOf(entry))),
    column('DESCRIPTION', ({ manifest, problem }) => problem ?? manifest?.description ?? ''),
  ];
  process.stdout.write(textTable(table, lineWidth(process.stdout)));
}

export function systemOf({ manifest }: BaseEntry): string {
  if (!manifest) return 'cannot be used';
  const { os, distribution } = manifest;
  return distribution ? [distribution.id, distribution.version].filter(Boolean).join(' ') : os;
}

/** Milliseconds since 1970; undefined where it was not used since it was made. */
export function lastUseOf({ folder }: Pick<BaseEntry, 'folder'>): number | undefined {
  const used = statSync(join(folder, baseUsedFile), { throwIfNoEntry: false });
  return used?.mtimeMs;
}

export function originText(origin: BaseOrigin): string {
  switch (origin.kind) {
    case 'built':
      return `built: gva base build ${origin.from}`;
    case 'recipe':
      return `recipe ${origin.digest.slice(0, 16)} from ${origin.from}`;
    case 'adopted':
      return `adopted from ${origin.file} (SHA-256 ${origin.digest.slice(0, 16)})`;
    case 'oci':
      return `container image ${origin.image} (${origin.digest})`;
  }
}

export const dateOf = (ms: number): string => new Date(ms).toISOString();
const dayOf = (ms: number | undefined): string => (ms === undefined ? 'never' : dateOf(ms).slice(0, 10));
