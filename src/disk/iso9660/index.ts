import { imageBytes, writeImage } from '../image-file.js';
import type { MediumEntry } from '../medium-entry.js';
import { layoutIso, type IsoOptions } from './layout.js';

export type { MediumEntry } from '../medium-entry.js';
export type { IsoOptions } from './layout.js';

/**
 * An ISO 9660 volume with Rock Ridge and Joliet in memory, for small media. Equal entries and options give equal
 * bytes. Symbolic links are not there in Joliet, which has none; names it cannot hold are changed.
 *
 * @throws GvaError MEDIUM_ENTRY naming everything that cannot be stored
 * @throws TypeError for an entry whose content is a source file: that needs `writeIso`
 */
export function isoBytes(entries: readonly MediumEntry[], options: IsoOptions): Uint8Array {
  return imageBytes(layoutIso(entries, options));
}

/**
 * Writes the same volume as `isoBytes` to a file, reading source files as it goes. The file appears complete or
 * not at all.
 *
 * @returns size of the volume in bytes
 * @throws GvaError MEDIUM_ENTRY naming everything that cannot be stored, MEDIUM_SOURCE for a source file that
 *   cannot be read or has not the size announced
 */
export async function writeIso(
  file: string,
  entries: readonly MediumEntry[],
  options: IsoOptions,
): Promise<{ size: number }> {
  const image = layoutIso(entries, options);
  await writeImage(file, image);
  return { size: image.size };
}
