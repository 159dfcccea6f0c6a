import { Pace } from '../pace.js';
import type { BlockSource } from '../source.js';
import { DigestFollower, type DigestName } from './digests.js';
import { corrupt } from './errors.js';
import { openExtent, type Extent, type VmdkOptions } from './extent.js';
import { expandGrain, readStored } from './grain.js';
import { inOrder, poolWidth } from './in-order.js';
import { makeSparseFile } from '../sparse-file.js';

export interface VmdkCopyOptions extends VmdkOptions {
  /** Of the VMDK file itself, taken while it is read. Default: none. */
  digests?: readonly DigestName[];
  /** Ends the copying with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Sizes in bytes. */
export interface VmdkCopyFacts {
  readonly capacity: number;
  /** Of the disk, without the grains that are not in the VMDK file. */
  readonly populatedSize: number;
  /** Those asked for, as hexadecimal. */
  readonly digests: Readonly<Partial<Record<DigestName, string>>>;
}

/**
 * Copies the disk in a VMDK file into a new raw image, on all processors. Zeros become holes. All that `openVmdk`
 * checks is checked, and every grain. The image is neither synced nor renamed into place; where it fails, it is
 * removed.
 *
 * @param file the bytes of the VMDK file, which stays open
 * @throws GvaError as `openVmdk` and its disk, or IMAGE_WRITE
 */
export async function copyVmdkToRaw(
  file: BlockSource,
  target: string,
  options: VmdkCopyOptions = {},
): Promise<VmdkCopyFacts> {
  const extent = await openExtent(file, options);
  const pace = new Pace(Infinity, options.signal);
  const follower = new DigestFollower(file, options.digests ?? [], () => pace.turn());
  return makeSparseFile(target, extent.size, async (image) => {
    let populatedSize = 0;
    for await (const { index, bytes } of allGrains(extent, follower, pace)) {
      populatedSize += bytes.length;
      await image.write(index * extent.grainSize, bytes);
    }
    const digests = await follower.finish();
    return { capacity: extent.size, populatedSize, digests };
  });
}

interface Grain {
  readonly index: number;
  readonly bytes: Buffer;
}

/** The grains that are in the file, as they are in the disk and in its order. */
function allGrains(extent: Extent, follower: DigestFollower, pace: Pace): AsyncGenerator<Grain> {
  return inOrder(storedGrains(extent, follower, pace), poolWidth, async ({ index, bytes }) => ({
    index,
    bytes: await expandGrain(extent, index, bytes),
  }));
}

async function* storedGrains(extent: Extent, follower: DigestFollower, pace: Pace): AsyncGenerator<Grain> {
  let total = 0;
  for await (const grains of extent.tables.stored()) {
    for (const grain of grains) {
      const bytes = await readStored(extent, grain);
      total += bytes.length;
      // Compressed grains have markers; of others this shows that they are not in many places at once.
      if (total > extent.file.size) throw corrupt('its grains lie upon each other');
      await follower.follow(grain.at);
      await pace.turn();
      yield { index: grain.index, bytes };
    }
    await pace.turn();
  }
}
