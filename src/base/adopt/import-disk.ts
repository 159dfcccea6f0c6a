import { copyToRaw } from '../../disk/copy-raw.js';
import { foreignContent } from '../../disk/foreign-content.js';
import { openImage } from '../../disk/image.js';
import type { BlockSource } from '../../disk/source.js';
import { GvaError } from '../../system/errors.js';
import { formatSize } from '../../system/units.js';

/**
 * Copies somebody's disk (raw, qcow2, VMDK or VDI) into a new raw image. No other program and no other file is opened.
 *
 * @param maxCapacity bytes that the disk may have
 * @throws GvaError ADOPT_FORMAT, ADOPT_SIZE, IMAGE_UNSUPPORTED, IMAGE_CORRUPT, IMAGE_OPEN
 */
export async function importDisk(
  file: string,
  target: string,
  maxCapacity: number,
  signal?: AbortSignal,
): Promise<void> {
  await using disk = await openImage(file);
  if (disk.size > maxCapacity)
    throw new GvaError(
      'ADOPT_SIZE',
      `${file} is a disk of ${formatSize(disk.size)}; the limit is ${formatSize(maxCapacity)}`,
      { hint: 'If it is to be trusted: --max-capacity SIZE' },
    );
  if (!(await mayBoot(disk))) {
    const { what, hint } = await foreignContent(disk);
    throw new GvaError('ADOPT_FORMAT', `${file} is no disk that boots${what}`, {
      hint:
        hint ?? 'Disks that are read: raw, qcow2, VMDK (streamOptimized, monolithicSparse), VDI; and OVA.',
    });
  }
  await copyToRaw(disk, target, signal);
}

/** UEFI specification 2.10, 5.2: every disk that BIOS or UEFI boots has this in its first sector. */
const mayBoot = async (disk: BlockSource) =>
  disk.size >= 512 && (await disk.read(510, 2)).readUInt16LE(0) === 0xaa55;
