import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openExt4 } from '../disk/ext4/index.js';
import { extractTree } from '../disk/extract.js';
import { openRaw } from '../disk/source.js';
import type { CollectedOutput } from '../model/result.js';
import { GvaError } from '../system/errors.js';

/** Where GVAD keeps a script's standard output, standard error and status, on the output disk. */
export const logFolder = '.gva';

/**
 * Brings what the guest left on its output disk into a new folder. Only our own reader ever opens the disk:
 * a guest's root wrote it.
 *
 * @param from folder of the disk; all of it where empty
 *
 * @returns undefined where the disk has no file system that can be read at all
 * @throws GvaError EXTRACT_WRITE where the host cannot take the output
 */
export async function collectOutput(
  image: string,
  target: string,
  from = '',
): Promise<CollectedOutput | undefined> {
  await using source = await openRaw(image);
  const tree = await openExt4(source).catch((error: unknown) => {
    if (error instanceof GvaError) return undefined;
    throw error;
  });
  if (!tree) return undefined;
  const { files, bytes, findings } = await extractTree(tree, target, from === '' ? {} : { from });
  return { files, bytes, findings };
}

/** The last lines of what a script said, for people; nothing where it was not collected. */
export async function scriptOutput(
  output: string,
  script: string,
  kind: 'stdout' | 'stderr',
): Promise<string[]> {
  // A script's name comes from the guest.
  if (script.includes('/') || script.includes('\0')) return [];
  const text = await readFile(join(output, logFolder, `${script}.${kind}`), 'utf8').catch(() => '');
  return text.trimEnd() === '' ? [] : text.trimEnd().split('\n').slice(-20);
}
