import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { temporarySibling } from '../../system/files.js';
import { nodeFiles } from '../../system/paths.js';
import { judgeTemporary } from '../../system/temporary.js';
import { lastUse, usedImages } from './image-users.js';

const isImage = (name: string) => /^[0-9a-f]{64}$/.test(name);

/** Milliseconds after which a half copy that has not grown, by a process that cannot be judged from here, is nobody's. */
const abandonedAfter = 3600_000;

/**
 * Removes images that nobody uses, least recently used first, until all that are left and `wanted` more bytes are within
 * the limit.
 *
 * @returns whether they are
 */
export async function makeRoom(folder: string, wanted: number, limit: number): Promise<boolean> {
  await removeAbandonedCopies(folder);
  let total = 0;
  // What is being copied counts as well.
  for (const name of await readdir(folder)) total += await allocated(join(folder, name));
  const over = total + wanted - limit;
  return over <= 0 || (await removeUnused(folder, over)) >= over;
}

/**
 * Removes images that nobody uses, least recently used first, until so many bytes are free.
 *
 * @returns bytes that have become free
 */
export async function removeUnused(folder: string, bytes: number): Promise<number> {
  const used = await usedImages(folder);
  let freed = 0;
  for (const digest of await byLastUse(folder, (await readdir(folder)).filter(isImage))) {
    if (freed >= bytes) break;
    const size = await allocated(join(folder, digest));
    if (!used.has(digest) && (await removeImage(folder, digest))) freed += size;
  }
  return freed;
}

async function removeAbandonedCopies(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.tmp')) continue;
    const maker = await judgeTemporary(name);
    const info = await stat(join(folder, name)).catch(() => undefined);
    const isOld = info !== undefined && Date.now() - info.mtimeMs > abandonedAfter;
    if (maker === 'dead' || (maker === 'unknown' && isOld)) await rm(join(folder, name), { force: true });
  }
}

async function byLastUse(folder: string, digests: readonly string[]): Promise<string[]> {
  const dated = await Promise.all(
    digests.map(async (digest) => ({ digest, at: await lastUse(folder, digest) })),
  );
  return dated.sort((a, b) => a.at - b.at).map(({ digest }) => digest);
}

/** False where somebody has begun to use it, or has removed it himself. */
export async function removeImage(folder: string, digest: string): Promise<boolean> {
  const file = join(folder, digest);
  const aside = temporarySibling(file);
  try {
    await rename(file, aside);
  } catch {
    return false;
  }
  // Who says from now on that he uses it does not find it; who has said so before must get it back.
  if ((await usedImages(folder)).has(digest)) {
    await rename(aside, file).catch(() => undefined);
    return false;
  }
  await rm(aside, { force: true });
  await rm(join(folder, nodeFiles.used(digest)), { force: true });
  return true;
}

/** Bytes that a file takes on the disk; some file systems do not tell. */
export async function allocated(file: string): Promise<number> {
  const info = await stat(file).catch(() => undefined);
  if (!info?.isFile()) return 0;
  return info.blocks > 0 ? info.blocks * 512 : info.size;
}
