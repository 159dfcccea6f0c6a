import { chmod, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, messageOf } from '../../system/errors.js';
import { ensureFolder } from '../../system/files.js';
import { nodeFiles, nodeParent } from '../../system/paths.js';

export type NodeFolder =
  | { readonly folder: string; readonly problem?: never }
  | { readonly folder?: never; readonly problem: string };

/** Names that are tried before this user goes without. */
const most = 9;

/**
 * The folder of this user on this node, which outlives jobs: `gva-UID`. Its parent is shared with other users, who may
 * have made one of that name before, or a link: what is not ours, or can be written to by others, is never used.
 */
export async function openNodeFolder(
  parent = nodeParent(),
  user = process.getuid?.() ?? 0,
): Promise<NodeFolder> {
  try {
    await ensureFolder(parent);
    for (let number = 1; number <= most; number++) {
      const folder = join(parent, `gva-${user}${number === 1 ? '' : `-${number}`}`);
      if (!(await makeOwn(folder, user))) continue;
      for (const name of [nodeFiles.images, nodeFiles.digests, nodeFiles.cache])
        await ensureFolder(join(folder, name));
      return { folder };
    }
    return { problem: `all folders ${join(parent, `gva-${user}`)}* are somebody else's` };
  } catch (error) {
    return { problem: `there can be no folder of this user in ${parent}: ${messageOf(error)}` };
  }
}

/** Makes a folder for this user alone, or takes the one that is there; false where it is not ours alone. */
async function makeOwn(folder: string, user: number): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  const info = await lstat(folder);
  if (!info.isDirectory() || info.uid !== user || (info.mode & 0o022) !== 0) return false;
  if ((info.mode & 0o777) !== 0o700) await chmod(folder, 0o700);
  return true;
}
