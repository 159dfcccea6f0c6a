import { lstat, readdir, realpath } from 'node:fs/promises';
import { GvaError, messageOf } from '../../system/errors.js';
import { ensureFolder } from '../../system/files.js';

/** The absolute path of a target that is a directory, the caller's own, and empty; it is made where it is missing. */
export async function prepareTarget(target: string): Promise<Buffer> {
  try {
    await ensureFolder(target);
    const stats = await lstat(target);
    if (!stats.isDirectory()) throw unsuitable(target, 'it is not a directory');
    if (stats.uid !== (process.geteuid?.() ?? stats.uid))
      throw unsuitable(target, 'it belongs to somebody else');
    if ((await readdir(target)).length > 0) throw unsuitable(target, 'it is not empty');
    return await realpath(target, { encoding: 'buffer' });
  } catch (error) {
    if (error instanceof GvaError) throw error;
    throw unsuitable(target, messageOf(error), error);
  }
}

function unsuitable(target: string, why: string, cause?: unknown): GvaError {
  return new GvaError('EXTRACT_TARGET', `cannot extract into ${target}: ${why}`, {
    hint: 'Name a new directory, or an empty one of your own.',
    ...(cause === undefined ? {} : { cause }),
  });
}
