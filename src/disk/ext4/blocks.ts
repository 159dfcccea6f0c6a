import type { Report } from '../findings.js';
import { extentRuns } from './extents.js';
import { InodeFlag } from './features.js';
import { indirectRuns } from './indirect.js';
import type { Inode } from './inode.js';
import type { Run } from './runs.js';
import type { Volume } from './volume.js';

/**
 * The runs of an inode in ascending order, every block of them inside the image, none of the file's blocks
 * twice. One array (which may be empty) for each block of mapping metadata.
 */
export function blockRuns(volume: Volume, inode: Inode, report: Report): AsyncGenerator<Run[]> {
  return inode.flags & InodeFlag.extents
    ? extentRuns(volume, inode, report)
    : indirectRuns(volume, inode, report);
}
