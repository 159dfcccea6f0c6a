import { isQcow2, openQcow2 } from './qcow2/reader.js';
import { openRaw, type BlockSource } from './source.js';
import { isVdi, openVdi } from './vdi/reader.js';
import { isVmdk, openVmdk } from './vmdk/index.js';

export type ImageFormat = 'raw' | 'qcow2' | 'vdi' | 'vmdk';

/**
 * Opens a disk image for reading. Without `format` it is recognised by its first bytes; for a raw image these
 * are the guest's, who can thereby only choose how its own bytes are read, as no other file is ever opened.
 * The source owns the file: closing the one closes the other.
 *
 * Throws IMAGE_OPEN, IMAGE_UNSUPPORTED (backing file, parent or other files, encryption, unknown features) or
 * IMAGE_CORRUPT.
 */
export async function openImage(path: string, format?: ImageFormat): Promise<BlockSource> {
  const file = await openRaw(path);
  try {
    return await openFormat(file, format ?? (await formatOf(file)));
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function formatOf(file: BlockSource): Promise<ImageFormat> {
  if (await isQcow2(file)) return 'qcow2';
  if (await isVdi(file)) return 'vdi';
  return (await isVmdk(file)) ? 'vmdk' : 'raw';
}

async function openFormat(file: BlockSource, format: ImageFormat): Promise<BlockSource> {
  switch (format) {
    case 'raw':
      return file;
    case 'qcow2':
      return openQcow2(file);
    case 'vdi':
      return openVdi(file);
    case 'vmdk':
      return openVmdk(file);
  }
}
