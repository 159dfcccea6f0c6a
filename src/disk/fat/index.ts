import { imageBytes, writeImage } from '../image-file.js';
import type { MediumEntry } from '../medium-entry.js';
import { layoutFat, type FatOptions } from './layout.js';

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
