import { constants, existsSync } from 'node:fs';
import { chmod, lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { imageDate } from '../disk/ext4-image.js';
import type { KeepKind } from '../model/keep.js';
import { GvaError } from '../system/errors.js';
import { publishFile, syncPath } from '../system/files.js';
import { resultFiles } from '../system/paths.js';
import { runTool } from '../system/process.js';

/**
 * Brings an instance's output into the form in which it is kept. What takes the place of `output/` is on the disk,
 * whole, before that folder goes: where this was broken off, the same call again completes it.
 *
 * @param folder of the results; for `files` and `archive`, the output was extracted into its `output/`
 * @param image the guest's output disk; wanted for `image` only. Where there is none, the files are kept.
 * @throws GvaError TOOL_FAILED, IMAGE_OPEN where the image is no regular file; system errors, the signal's reason
 */
export async function keepOutput(
  kind: KeepKind,
  folder: string,
  image: string | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const output = join(folder, resultFiles.output);
  if (kind === 'files' || (kind === 'image' ? image === undefined : !existsSync(output))) return;
  const target = join(folder, resultFiles[kind]);
  // Where it is there, the folder may be half gone.
  if (!existsSync(target)) {
    if (kind === 'archive') await makeReadable(Buffer.from(output));
    await publishFile(target, async (temporary) => {
      if (kind === 'image') await copyDisk(image ?? '', temporary, signal);
      else await run('tar', tarArguments(temporary, output), signal);
    });
  }
  await rm(output, { recursive: true, force: true });
  await syncPath(folder);
}

/** Keeps the guest's output disk beside what could be brought out of it; readers of the results look at the disk then. */
export const keepDisk = (folder: string, image: string): Promise<void> =>
  publishFile(join(folder, resultFiles.image), (temporary) => copyDisk(image, temporary));

/**
 * Copies a disk that a guest has written; holes stay holes, which Node's own copy does not know.
 *
 * @throws GvaError IMAGE_OPEN where it is no regular file: a VMM that a guest has taken over might have made a link to
 *   something of the host's
 */
export async function copyDisk(image: string, target: string, signal?: AbortSignal): Promise<void> {
  if (!(await lstat(image)).isFile())
    throw new GvaError('IMAGE_OPEN', `the image ${image} is not a regular file`);
  await run('cp', ['--sparse=always', '--', image, target], signal);
}

const run = (tool: string, args: readonly string[], signal: AbortSignal | undefined) =>
  runTool(tool, args, signal ? { signal } : {});

/** The same files give the same bytes: of what the host adds nothing is in the archive. Holes stay holes. */
export function tarArguments(file: string, folder: string): string[] {
  return [
    ...['--create', `--file=${file}`, '--force-local', `--directory=${folder}`, '--sparse'],
    // POSIX's own format gives sparse files headers with the number of tar's process.
    ...[
      '--format=gnu',
      '--sort=name',
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      `--mtime=@${imageDate.getTime() / 1000}`,
    ],
    '.',
  ];
}

/** A guest's modes may keep their owner from reading a file; its directories have been made readable. */
export async function makeReadable(folder: Buffer): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) await makeReadable(path);
    else if (entry.isFile()) {
      const { mode } = await lstat(path);
      if ((mode & constants.S_IRUSR) === 0) await chmod(path, (mode & 0o777) | constants.S_IRUSR);
    }
  }
}
