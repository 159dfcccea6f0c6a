import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestFile, digestText, ensureFolder, readTextIfExists, writeFileAtomically } from './files.js';

/**
 * SHA-256 of a file's bytes, as hexadecimal. What was digested before is recognised by its inode, size and times,
 * as git does, and not read again.
 *
 * @param memory folder for what is remembered; what it cannot take is read again the next time
 */
export function rememberedDigest(path: string, memory: string): Promise<string> {
  return rememberedOf(path, '', memory, () => digestFile(path));
}

/**
 * A digest that follows from a file's bytes, remembered in the same way.
 *
 * @param part tells several digests of one file apart
 * @param compute gives it as hexadecimal, where it is not known
 */
export async function rememberedOf(
  path: string,
  part: string,
  memory: string,
  compute: () => Promise<string>,
): Promise<string> {
  const info = await stat(path, { bigint: true });
  const identity = [
    info.dev,
    info.ino,
    info.size,
    info.mtimeNs,
    info.ctimeNs,
    ...(part === '' ? [] : [part]),
  ].join(' ');
  const note = join(memory, `digest-${digestText(identity).slice(0, 32)}`);
  // A file may change twice within one tick of the file system's clock: what is so young is always read.
  const young = Date.now() - Number(info.ctimeMs) < 2000;
  const known = young ? undefined : await readTextIfExists(note);
  if (known !== undefined && /^[0-9a-f]{32,128}$/.test(known)) return known;
  const digest = await compute();
  if (!young) await remember(note, digest).catch(() => undefined);
  return digest;
}

async function remember(note: string, digest: string): Promise<void> {
  await ensureFolder(dirname(note));
  await writeFileAtomically(note, digest);
}
