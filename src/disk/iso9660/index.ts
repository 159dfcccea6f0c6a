import { imageBytes, writeImage } from '../image-file.js';
import type { MediumEntry } from '../medium-entry.js';
import { layoutIso, type IsoOptions } from './layout.js';

/**
 * A reader of volumes that anybody wrote: ECMA-119 with Rock Ridge (SUSP and RRIP 1.12) or Joliet, told after
 * Linux's fs/isofs where the standards leave it open. Every number is checked before it is used; what can be read is
 * read, and these findings tell what could not be, or is not as it should be:
 *
 * - ISO_TRUNCATED: the image is shorter than the volume.
 * - ISO_EXTENT: contents that are not in the image: that part of a file is a hole, of a directory missing.
 * - ISO_DIRECTORY: a directory's record is broken: the rest of its sector is lost; or it contradicts itself.
 * - ISO_SUSP: the attributes of a record break off or lead in circles: those before count.
 * - ISO_SECTIONS: of the sections of a file some are missing, or there are too many: it ends before them.
 * - ISO_INTERLEAVED: contents with gaps between them: not read.
 * - ISO_ASSOCIATED: a file that accompanies another of its name (a resource fork): left out, as Linux does.
 * - ISO_COMPRESSED: contents that mkzftree compressed: left as they are.
 *
 * Without Rock Ridge files have mode 0644 and directories 0755. Thrown by `openIso`: ISO_NONE, ISO_CORRUPT.
 */
export { openIso, type Iso9660, type IsoFlavour, type IsoNode } from './reader.js';
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
