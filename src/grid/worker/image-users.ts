import { randomBytes } from 'node:crypto';
import { readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTextIfExists, writeFileAtomically } from '../../system/files.js';
import { nodeFiles } from '../../system/paths.js';
import { judgeProcess, parseProcessIdentity, processIdentity } from '../../system/process-identity.js';

/** Milliseconds that a process which cannot be judged from here (of another container) is believed to live. */
const longestLife = 30 * 24 * 3600_000;

/** Says, until it is disposed, that this process uses these images: they are not removed meanwhile. */
export async function useImages(folder: string, digests: readonly string[]): Promise<AsyncDisposable> {
  const file = join(folder, `${nodeFiles.use}${randomBytes(6).toString('hex')}`);
  const identity = await processIdentity(process.pid);
  await writeFileAtomically(file, JSON.stringify({ ...identity, images: digests }));
  return {
    [Symbol.asyncDispose]: async () => {
      await noteUse(folder, digests);
      await rm(file, { force: true });
    },
  };
}

/** Digests of the images that living processes use. What dead ones have left is removed. */
export async function usedImages(folder: string): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  for (const name of await readdir(folder)) {
    if (!name.startsWith(nodeFiles.use)) continue;
    const file = join(folder, name);
    const text = await readTextIfExists(file);
    if (text === undefined) continue;
    if (await isOver(file, text)) await rm(file, { force: true });
    else for (const digest of imagesIn(text)) used.add(digest);
  }
  return used;
}

async function isOver(file: string, text: string): Promise<boolean> {
  const process = parseProcessIdentity(text);
  const state = process ? await judgeProcess(process) : 'unknown';
  if (state !== 'unknown') return state === 'dead';
  const info = await stat(file).catch(() => undefined);
  return info !== undefined && Date.now() - info.mtimeMs > longestLife;
}

function imagesIn(text: string): string[] {
  try {
    const { images } = JSON.parse(text) as { images?: unknown };
    return Array.isArray(images) ? images.filter((each) => typeof each === 'string') : [];
  } catch {
    return [];
  }
}

/** Of which images were used last, those are kept. The image itself stays as it is: it is recognised by its times. */
export async function noteUse(folder: string, digests: readonly string[]): Promise<void> {
  for (const digest of digests) {
    const file = join(folder, nodeFiles.used(digest));
    // A disk that is full takes no new notes.
    await writeFile(file, '', { flag: 'a' })
      .then(() => utimes(file, new Date(), new Date()))
      .catch(() => undefined);
  }
}

/** Milliseconds since 1970. */
export async function lastUse(folder: string, digest: string): Promise<number> {
  const info = await stat(join(folder, nodeFiles.used(digest))).catch(() => undefined);
  return info?.mtimeMs ?? 0;
}
