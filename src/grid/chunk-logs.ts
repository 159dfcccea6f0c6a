import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../system/errors.js';
import { ensureFolder, freshSibling } from '../system/files.js';
import { gridChunk, gridFiles } from '../system/paths.js';
import type { FailureKind } from './classify.js';

/**
 * Whether a chunk's folder for logs is to blame for a job that could not be started, and not its node: grids open the log
 * before all else. One that is gone is made again.
 *
 * @returns undefined where a log can be written from here
 */
export async function faultOfLogs(sweep: string, chunk: number): Promise<FailureKind | undefined> {
  const folder = join(gridChunk(sweep, chunk), gridFiles.logs);
  const file = await freshSibling(join(folder, 'log'));
  try {
    await writeFile(file, '');
    return undefined;
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (['ENOSPC', 'EDQUOT'].includes(errno)) return 'file-system-full';
    if (errno !== 'ENOENT') return undefined;
    await ensureFolder(folder).catch(() => undefined);
    return 'logs-gone';
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}
