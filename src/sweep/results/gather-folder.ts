import { copyFile, link, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { collectOutput } from '../../instance/collect.js';
import { isLimit } from '../../disk/findings.js';
import { makeReadable } from '../../instance/keep.js';
import { ExitCode, GvaError, errnoOf } from '../../system/errors.js';
import { ensureFolder } from '../../system/files.js';
import { pointFolder, resultFiles, sweepFiles } from '../../system/paths.js';
import { runTool } from '../../system/process.js';
import { outputOfImage } from './kept.js';

/**
 * Lays out the outputs of a sweep as a folder from which the data disk of a gathering appliance is made:
 *
 *     results.csv            the table
 *     points/SSSS/NNNNNNN/   the output of the point of that number, as in the sweep's folder, without `output/`
 *
 * However outputs are kept, here they are files. Those that the sweep has as files are hard links, or copies where the
 * file system makes no links: who changes a file here changes the results. Files that their owner may not read are made
 * readable, else they could not be put on a disk; those that are linked change with them. The gathering instance gets an image made of this folder (`makeExt4()`), never the folder itself.
 *
 * @param sweep folder of the sweep; its table has been written
 * @param target a folder that is not there yet, best on the sweep's file system; where this is broken off, the caller
 *   removes it
 * @param points numbers of the points wanted; those without output are left out
 * @throws GvaError EXTRACT_TARGET, EXTRACT_WRITE, TOOL_FAILED; GATHER_TOO_MUCH where limits allow a part only; system errors; the signal's reason
 */
export async function gatherFolder(
  sweep: string,
  target: string,
  points: Iterable<number>,
  signal: AbortSignal,
): Promise<{ points: number }> {
  await mkdir(target);
  await linkFile(Buffer.from(join(sweep, sweepFiles.results)), Buffer.from(join(target, sweepFiles.results)));
  let count = 0;
  for (const index of points) {
    signal.throwIfAborted();
    if (await layOut(pointFolder(sweep, index), pointFolder(target, index), signal)) count++;
  }
  return { points: count };
}

/** @returns whether there is output */
async function layOut(point: string, target: string, signal: AbortSignal): Promise<boolean> {
  const output = join(point, resultFiles.output);
  const [archive, image] = [join(point, resultFiles.archive), join(point, resultFiles.image)];
  if (![archive, image, output].some((path) => existsSync(path))) return false;
  await ensureFolder(target);
  // As in readKept(): beside an archive or an image, the folder may be half gone.
  if (existsSync(archive)) {
    const options = ['--force-local', '--no-same-owner', '--no-same-permissions', '--keep-old-files'];
    await runTool('tar', ['--extract', `--file=${archive}`, `--directory=${target}`, ...options], { signal });
  } else if (existsSync(image)) await layOutImage(image, target);
  else await linkTree(Buffer.from(output), Buffer.from(target), signal);
  await makeReadable(Buffer.from(target));
  return true;
}

/** A gathering instance would compute with a part of the output and not know. */
async function layOutImage(image: string, target: string): Promise<void> {
  const collected = await collectOutput(image, target, await outputOfImage(image));
  if (collected?.truncated !== true) return;
  const [finding] = collected.findings.filter(({ code }) => isLimit(code));
  throw new GvaError(
    'GATHER_TOO_MUCH',
    `not all of ${image} can be laid out: ${finding?.message ?? 'it is too much'}`,
    {
      exitCode: ExitCode.application,
      hint: `All of it is there: gva extract ${image} DIR --max-files N --timeout TIME`,
    },
  );
}

/** Symbolic links are made as they are: extraction let none out of its folder. */
async function linkTree(from: Buffer, to: Buffer, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  for (const entry of await readdir(from, { withFileTypes: true, encoding: 'buffer' })) {
    const [source, target] = [from, to].map((folder) => Buffer.concat([folder, slash, entry.name])) as [
      Buffer,
      Buffer,
    ];
    if (entry.isDirectory()) {
      await mkdir(target);
      await linkTree(source, target, signal);
    } else if (entry.isFile()) await linkFile(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source, 'buffer'), target);
  }
}

const slash = Buffer.from('/');

/** Of another file system, with too many links already, or not allowed (fs.protected_hardlinks, proc(5)). */
const noLink = ['EXDEV', 'EMLINK', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP'];

async function linkFile(source: Buffer, target: Buffer): Promise<void> {
  try {
    await link(source, target);
  } catch (error) {
    if (!noLink.includes(errnoOf(error) ?? '')) throw error;
    await copyFile(source, target, constants.COPYFILE_EXCL);
  }
}
