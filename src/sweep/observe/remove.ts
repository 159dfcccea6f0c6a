import { lstat, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ExitCode, GvaError, errnoOf, messageOf } from '../../system/errors.js';
import { lockFolder } from '../../system/folder-lock.js';
import { gridFiles, sweepFiles } from '../../system/paths.js';
import { isSweepFolder } from './find.js';

/** What a sweep may have made in its folder, beside sweep.json and the points. */
const own = new RegExp(
  `^(?:${['results\\.(?:csv|jsonl|parquet)', 'status\\.json', 'plan\\.yaml', 'sweep\\.log', 'gather\\.(?:log|json)'].join('|')}` +
    '|store\\.db(?:-wal|-shm|-journal)?(?:\\.\\d+\\.old)?' +
    '|\\.{1,2}(?:[\\w-]+\\.)+[0-9a-f]{12,}\\.tmp)$',
);
const ownFolders: readonly string[] = [sweepFiles.requests, sweepFiles.gather, gridFiles.folder];

/**
 * Removes a sweep that nobody runs: what GVA has made, by name. Links are removed, never followed. sweep.json goes last,
 * so that a removal that was broken off can be repeated.
 *
 * @returns names in the folder that are not of the sweep; it is gone where there are none
 * @throws GvaError SWEEP_UNKNOWN, SWEEP_IN_USE, OUT_UNUSABLE
 */
export async function removeSweep(folder: string, signal: AbortSignal): Promise<string[]> {
  const info = await lstat(folder);
  if (!info.isDirectory() || !isSweepFolder(folder))
    throw new GvaError(
      'SWEEP_UNKNOWN',
      `${folder} is ${info.isSymbolicLink() ? 'a link' : 'no folder of a sweep'}`,
      {
        hint: 'Name the folder itself.',
      },
    );
  try {
    const { lock, holder } = await lockFolder(folder, sweepFiles.lock);
    if (!lock) throw inUse(folder, holder.file);
    try {
      await removeContent(folder, signal);
    } finally {
      await lock[Symbol.asyncDispose]();
    }
    await removeManifest(folder);
  } catch (error) {
    if (error instanceof GvaError || signal.aborted) throw error;
    throw new GvaError('OUT_UNUSABLE', `cannot remove the sweep in ${folder}: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      cause: error,
    });
  }
  const left = await readdir(folder);
  if (left.length === 0) await rmdir(folder);
  return left;
}

async function removeContent(folder: string, signal: AbortSignal): Promise<void> {
  await removePoints(join(folder, sweepFiles.points), signal);
  for (const name of await readdir(folder))
    if (own.test(name) || ownFolders.includes(name))
      await rm(join(folder, name), { recursive: true, force: true });
}

/** Not of a sweep that somebody has begun there since. */
async function removeManifest(folder: string): Promise<void> {
  const taken = (await readdir(folder)).some((name) => name.startsWith(sweepFiles.lock));
  if (!taken) await rm(join(folder, sweepFiles.sweep), { force: true });
}

async function removePoints(points: string, signal: AbortSignal): Promise<void> {
  if (!(await isFolder(points))) return;
  for (const shard of await readdir(points)) {
    const path = join(points, shard);
    if (!/^\d{4,}$/.test(shard) || !(await isFolder(path))) continue;
    for (const name of await readdir(path)) {
      signal.throwIfAborted();
      if (/^(?:\d{7,}|\.\d{7,}\.[0-9a-f]{12,}\.tmp|\.\d{7,}-[\w.-]+\.(?:part|aside))$/.test(name))
        await rm(join(path, name), { recursive: true, force: true });
    }
    await removeIfEmpty(path);
  }
  await rm(join(points, sweepFiles.earlier), { recursive: true, force: true });
  await removeIfEmpty(points);
}

/** Of a link, the link is removed. */
async function isFolder(path: string): Promise<boolean> {
  const info = await lstat(path).catch(() => undefined);
  if (info?.isSymbolicLink()) await unlink(path);
  return info?.isDirectory() ?? false;
}

async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOTEMPTY') throw error;
  });
}

const inUse = (folder: string, file: string) =>
  new GvaError('SWEEP_IN_USE', `the sweep in ${folder} is being run`, {
    hint: `End it first: gva sweep cancel ${folder} (if it has ended on another host: remove ${file})`,
  });
