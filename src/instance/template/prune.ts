import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GvaError } from '../../system/errors.js';
import { templateFiles } from '../../system/paths.js';
import { judgeTemporary } from '../../system/temporary.js';
import { parseSize } from '../../system/units.js';
import type { TemplateCache } from './cache.js';

/** Days that a template is kept without being used. */
const keptDays = 30;
const day = 24 * 3600 * 1000;
/** Milliseconds after which what somebody left unfinished is nobody's. */
const unfinished = 3600 * 1000;

/**
 * Bytes that all templates may take on the disk: GVA_TEMPLATE_CACHE, else 4 GiB.
 *
 * @throws GvaError TEMPLATE_CACHE
 */
export function cacheLimit(text = process.env['GVA_TEMPLATE_CACHE'] ?? ''): number {
  const size = text === '' ? 4 * 2 ** 30 : parseSize(text);
  if (size !== undefined) return size;
  throw new GvaError('TEMPLATE_CACHE', `GVA_TEMPLATE_CACHE says ${JSON.stringify(text)}, which is no size`, {
    hint: 'For example: GVA_TEMPLATE_CACHE=8G',
  });
}

/**
 * Removes templates that were not used for a month, then, from the one that was not used for the longest time, as many
 * as are too much for the limit; and what killed processes left.
 *
 * @param keep key of one that stays
 */
export async function pruneTemplates(cache: TemplateCache, keep: string, limit: number): Promise<void> {
  const templates = await Promise.all((await cache.keys()).map((key) => look(cache.folder, key)));
  const now = Date.now();
  let room = limit;
  for (const { key, usedAt, bytes } of templates.sort((a, b) => b.usedAt - a.usedAt)) {
    room -= bytes;
    if (key !== keep && (now - usedAt > keptDays * day || room < 0)) await cache.discard(key);
  }
  for (const name of await readdir(cache.folder)) {
    if (!/^\.[0-9a-f]{64}\.[0-9a-f]+\.tmp$|^digest-/.test(name)) continue;
    // The time of day may have jumped: what a living process makes is never old.
    if ((await judgeTemporary(name)) === 'alive') continue;
    const path = join(cache.folder, name);
    const info = await stat(path).catch(() => undefined);
    const age = name.startsWith('digest-') ? keptDays * day : unfinished;
    if (info && now - info.mtimeMs > age) await rm(path, { recursive: true, force: true });
  }
}

async function look(parent: string, key: string): Promise<{ key: string; usedAt: number; bytes: number }> {
  const folder = join(parent, key);
  const manifest = await stat(join(folder, templateFiles.manifest)).catch(() => undefined);
  let bytes = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    const info = await stat(join(folder, name)).catch(() => undefined);
    bytes += (info?.blocks ?? 0) * 512;
  }
  return { key, usedAt: manifest?.mtimeMs ?? 0, bytes };
}
