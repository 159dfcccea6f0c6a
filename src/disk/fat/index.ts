import { imageBytes, writeImage } from '../image-file.js';
import type { MediumEntry } from '../medium-entry.js';
import { layoutFat, type FatOptions } from './layout.js';

/**
 * A reader of FAT12, FAT16 and FAT32 with long names, for images that anybody wrote. Written after Microsoft's FAT
 * specification, and Linux's fs/fat where that leaves it open. Every number is checked before it is used; what can be
 * read is read, and these findings tell what could not be, or is not as it should be:
 *
 * - FAT_UNCLEAN: marked as not unmounted: read as it stands.
 * - FAT_TRUNCATED: the image is shorter than the file system.
 * - FAT_CHAIN: a chain of clusters leads to one that is not in the image, free, bad, or was in it before, or ends
 *   before the size: what lies behind is a hole in a file, and missing in a directory.
 * - FAT_CROSSLINK: clusters that something else has as well: read as they are.
 * - FAT_DIRECTORY: a directory without `.` and `..` in front, or with others than its own; or with more than
 *   65,536 entries: these are missing.
 * - FAT_LONG_NAME: parts of a long name that belong to no entry: ignored; its short name counts. Or a name that is no
 *   UTF-16: characters are replaced.
 *
 * Files have mode 0644, or 0444 where marked as read-only, directories 0755. Thrown by `openFat`: FAT_NONE,
 * FAT_CORRUPT.
 */
export { openFat, type Fat, type FatNode } from './reader.js';
export type { MediumEntry } from '../medium-entry.js';
export type { FatType } from './choose-geometry.js';
export type { FatOptions } from './layout.js';

/**
 * A FAT volume with long names in memory, for small media. Equal entries and options give equal bytes. Modes are
 * not stored: FAT has none. Files may have 4 GiB - 32 KiB.
 *
 * @throws GvaError MEDIUM_ENTRY naming everything that cannot be stored and why
 * @throws TypeError for an entry whose content is a source file: that needs `writeFat`
 */
export function fatBytes(entries: readonly MediumEntry[], options: FatOptions): Uint8Array {
  return imageBytes(layoutFat(entries, options));
}

/**
 * Writes the same volume as `fatBytes` to a file, reading source files as it goes; free space is left as a hole.
 * The file appears complete or not at all.
 *
 * @returns size of the volume in bytes
 * @throws GvaError MEDIUM_ENTRY naming everything that cannot be stored and why, MEDIUM_SOURCE for a source file
 *   that cannot be read or has not the size announced
 */
export async function writeFat(
  file: string,
  entries: readonly MediumEntry[],
  options: FatOptions,
): Promise<{ size: number }> {
  const image = layoutFat(entries, options);
  await writeImage(file, image);
  return { size: image.size };
}
