import { constants, existsSync } from 'node:fs';
import { chmod, lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { imageDate } from '../../disk/ext4-image.js';
import { publishFile, syncPath } from '../../system/files.js';
import { resultFiles } from '../../system/paths.js';
import { runTool } from '../../system/process.js';

/** How a point's output is kept: as files, as one tar archive of them, or as the disk that the guest wrote. */
export const keepKinds = ['files', 'archive', 'image'] as const;
export type KeepKind = (typeof keepKinds)[number];

/** In a point's folder, instead of `output/`. */
export const keptFiles = { archive: 'output.tar', image: 'output.img' } as const;

/**
 * Brings the output of a point, which was extracted into `output/` of its folder, into the form in which it is kept.
 * What wants to read it as files (`readPointData()`) comes before. What takes its place is on the disk, whole, before
 * the folder goes: where this was broken off, the same call again completes it.
 *
 * @param folder of the point
 * @param image the guest's output disk; wanted for `image` only. Where there is none, the files are kept.
 * @throws GvaError TOOL_FAILED, system errors, the signal's reason
 */
export async function keepOutput(
  kind: KeepKind,
  folder: string,
  image: string | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const output = join(folder, resultFiles.output);
  if (kind === 'files' || (kind === 'image' && image === undefined) || !existsSync(output)) return;
  const target = join(folder, keptFiles[kind]);
  // Where it is there, the folder may be half gone.
  if (!existsSync(target)) {
    if (kind === 'archive') await makeReadable(Buffer.from(output));
    await publishFile(target, async (temporary) => {
      // Node's own copy does not know of holes.
      if (kind === 'image') await run('cp', ['--sparse=always', '--', image ?? '', temporary], signal);
      else await run('tar', tarArguments(temporary, output), signal);
    });
  }
  await rm(output, { recursive: true, force: true });
  await syncPath(folder);
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
async function makeReadable(folder: Buffer): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) await makeReadable(path);
    else if (entry.isFile()) {
      const { mode } = await lstat(path);
      if ((mode & constants.S_IRUSR) === 0) await chmod(path, (mode & 0o777) | constants.S_IRUSR);
    }
  }
}
