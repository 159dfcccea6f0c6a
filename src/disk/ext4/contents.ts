import type { Report } from '../findings.js';
import { pieces, readStretches, type Stretch } from '../stretches.js';
import type { FilePiece } from '../tree.js';
import { blockRuns } from './blocks.js';
import { InodeFlag } from './features.js';
import { inlineContents } from './inline.js';
import type { Inode } from './inode.js';
import type { Volume } from './volume.js';

/** The contents of an inode but its holes. */
export async function* contents(
  volume: Volume,
  inode: Inode,
  report: Report,
): AsyncGenerator<FilePiece | undefined> {
  if (inode.flags & InodeFlag.inlineData) {
    const data = inlineContents(inode, report);
    if (data.length > 0) yield { offset: 0, data };
    return;
  }
  const { source, blockSize } = volume;
  const stretches = stretchesOf(volume, inode, report);
  yield* readStretches({ source, blockSize, size: inode.size, stretches }, report);
}

/** The runs of an inode, cut to its size; undefined where there was none in a block of the map. */
async function* stretchesOf(
  volume: Volume,
  inode: Inode,
  report: Report,
): AsyncGenerator<Stretch | undefined> {
  const { blockSize } = volume;
  for await (const runs of blockRuns(volume, inode, report)) {
    if (runs.length === 0) yield undefined;
    for (const run of runs) {
      const offset = run.logical * blockSize;
      const length = Math.min(run.count * blockSize, inode.size - offset);
      yield* pieces({ offset, at: run.physical * blockSize, length });
    }
  }
}
