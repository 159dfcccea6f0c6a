import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openExt4 } from '../disk/ext4/index.js';
import { extractTree } from '../disk/extract.js';
import { Findings } from '../disk/findings.js';
import { listTree } from '../disk/list.js';
import { lookUp } from '../disk/lookup.js';
import { type BlockSource, openRaw } from '../disk/source.js';
import type { CollectedOutput } from '../model/result.js';
import { GvaError } from '../system/errors.js';

/** Where GVAD keeps a script's standard output, standard error and status, on the output disk. */
export const logFolder = '.gva';

/** What was brought out of a disk. `truncated`: the disk has more, beyond a limit, or of what this host cannot store. */
export type Collected = CollectedOutput & { readonly truncated: boolean };

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
): Promise<Collected | undefined> {
  if (!(await isDisk(image))) return undefined;
  await using source = await openRaw(image, 'refused');
  const tree = await openOutput(source);
  if (!tree) return undefined;
  const report = await extractTree(tree, target, from === '' ? {} : { from });
  const { files, bytes, findings, truncated } = report;
  return { files, bytes, findings, truncated };
}

/**
 * What the guest left on its output disk, where that itself is kept: nothing is extracted, `bytes` are what the files
 * claim to have.
 *
 * @returns undefined where the disk has no file system that can be read, or not that folder
 */
export async function surveyOutput(image: string, from = ''): Promise<CollectedOutput | undefined> {
  if (!(await isDisk(image))) return undefined;
  await using source = await openRaw(image, 'refused');
  const tree = await openOutput(source);
  const start = tree && (await lookUp(tree, from, () => undefined));
  if (start?.kind !== 'directory') return undefined;
  const findings = new Findings();
  for (const { code, path, message } of tree?.findings ?? []) findings.add(code, () => path, message);
  let [files, bytes] = [0, 0];
  if (tree)
    for await (const { node } of listTree(tree, findings, { start })) {
      if (node.kind !== 'file') continue;
      files++;
      bytes += node.size;
    }
  return { files, bytes, findings: findings.list };
}

/** A VMM that a guest has taken over may have put a link to something of the host's in its place. */
const isDisk = async (image: string) => (await lstat(image)).isFile();

/** Undefined where there is no file system that can be read. */
const openOutput = (source: BlockSource) =>
  openExt4(source).catch((error: unknown) => {
    if (error instanceof GvaError) return undefined;
    throw error;
  });

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
