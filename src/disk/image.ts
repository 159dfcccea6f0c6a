import { isQcow2, openQcow2 } from './qcow2/reader.js';
import { openRaw, type BlockSource } from './source.js';

export type ImageFormat = 'raw' | 'qcow2';

/**
 * Opens a disk image for reading. Without `format` it is recognised by its first bytes; for a raw image these
 * are the guest's, who can thereby only choose how its own bytes are read, as no other file is ever opened.
 * The source owns the file: closing the one closes the other.
 *
 * Throws IMAGE_OPEN, IMAGE_UNSUPPORTED (backing file, external data file, encryption, unknown features) or
 * IMAGE_CORRUPT.
 */
export async function openImage(path: string, format?: ImageFormat): Promise<BlockSource> {
  const file = await openRaw(path);
  try {
    const isRaw = format === 'raw' || (format === undefined && !(await isQcow2(file)));
    return isRaw ? file : await openQcow2(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}
