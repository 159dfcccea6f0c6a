import { chmod, mkdir, rm } from 'node:fs/promises';
import { mmdebstrapPlace } from '../../system/paths.js';
import { temporarySibling } from '../../system/files.js';
import { runTool } from '../../system/process.js';
import { removeAbandonedSiblings } from '../../system/temporary.js';

/**
 * A new folder in which mmdebstrap makes its system, gone afterwards. What processes have left that were killed goes, too:
 * mmdebstrap takes its files away only where it ends by itself.
 */
export async function inMmdebstrapFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const place = mmdebstrapPlace();
  await removeAbandonedSiblings(place, removeSystem);
  const folder = temporarySibling(place);
  await mkdir(folder);
  // In a user namespace, others than this user work there, below folders that only they can write to.
  await chmod(folder, 0o755);
  try {
    return await work(folder);
  } finally {
    await removeSystem(folder);
  }
}

/** In a user namespace, what mmdebstrap makes belongs to subordinate users (subuid(5)): nobody else can remove it. */
async function removeSystem(folder: string): Promise<void> {
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await remove();
  } catch {
    const contents = ['find', folder, '-mindepth', '2', '-delete'];
    await runTool('mmdebstrap', ['--unshare-helper', ...contents]).catch(() => undefined);
    await remove();
  }
}
