import { constants } from 'node:fs';
import { access, readFile, realpath, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FolderFacts } from '../../model/doctor.js';
import { dataFolder, ownCacheFolder, scratchFolder } from '../../system/paths.js';

/** The folders that GVA writes to, and the one that User-mode Linux keeps guests' memory in. */
export async function lookAtFolders(): Promise<FolderFacts[]> {
  const folders: [FolderFacts['use'], string][] = [
    ['scratch', scratchFolder()],
    ['cache', ownCacheFolder()],
    ['data', dataFolder()],
    ['memory', '/dev/shm'],
  ];
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return Promise.all(folders.map(([use, path]) => lookAtFolder(use, resolve(path), mounts)));
}

async function lookAtFolder(use: FolderFacts['use'], path: string, mounts: string): Promise<FolderFacts> {
  const place = await existingAncestor(path);
  const info = await statfs(place).catch(() => undefined);
  return {
    use,
    path,
    free: info ? info.bavail * info.bsize : null,
    fileSystem: fileSystemOf(place, mounts) ?? null,
    writable: await access(place, constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    ),
  };
}

/** Where a folder that is not there yet would be made. */
async function existingAncestor(path: string): Promise<string> {
  for (let place = path; ; place = dirname(place)) {
    const real = await realpath(place).catch(() => undefined);
    if (real !== undefined) return real;
    if (place === dirname(place)) return place;
  }
}

/**
 * Type of the file system that a path is on: the last of the mounts with the longest mount point (proc(5),
 * mountinfo: the mount point is field 5, the type follows the dash).
 */
export function fileSystemOf(path: string, mounts: string): string | undefined {
  let best: { point: string; type: string } | undefined;
  for (const line of mounts.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const point = unescapeOctal(left.split(' ')[4] ?? '');
    const type = right.split(' ')[0] ?? '';
    const above = point === '/' || path === point || path.startsWith(`${point}/`);
    if (point !== '' && above && point.length >= (best?.point.length ?? 0)) best = { point, type };
  }
  return best?.type;
}

/** Blanks, tabs, line ends and backslashes are written `\040` and so on. */
const unescapeOctal = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
