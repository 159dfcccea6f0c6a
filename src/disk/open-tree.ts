import { GvaError } from '../system/errors.js';
import { openExt4 } from './ext4/index.js';
import { openFat } from './fat/index.js';
import { openImage } from './image.js';
import { openIso } from './iso9660/index.js';
import type { BlockSource } from './source.js';
import type { FileTree } from './tree.js';
import { foreignContent } from './foreign-content.js';

/** What is recognised; `ext4` stands for ext2 and ext3 as well. */
export type FileSystem = 'ext4' | 'fat' | 'iso9660';

/** A file system in an image file that is open for reading. Disposing it closes the file. */
export interface OpenTree extends AsyncDisposable {
  readonly fileSystem: FileSystem;
  readonly tree: FileTree;
}

/**
 * In this order: who makes a file system clears the marks of those before this one, but not of those behind it.
 * mke2fs clears the boot sector that is FAT's mark; an ISO 9660 volume begins with 32 KiB that clear both. So the
 * first that fits is the one that was made last.
 */
const openers: readonly { fileSystem: FileSystem; open: (source: BlockSource) => Promise<FileTree> }[] = [
  { fileSystem: 'ext4', open: openExt4 },
  { fileSystem: 'fat', open: openFat },
  { fileSystem: 'iso9660', open: openIso },
];

/** What openers throw where there is no trace of their file system. */
const absent = new Set(['EXT4_NONE', 'FAT_NONE', 'ISO_NONE']);

/**
 * Opens the file system in an image file, raw, qcow2, VMDK or VDI, recognised by content: ext2/3/4, FAT and ISO 9660, each from
 * the first byte of the disk on.
 *
 * @throws GvaError IMAGE_CONTENT where nothing is recognised, saying what is there instead if that is known;
 *   IMAGE_OPEN, IMAGE_UNSUPPORTED, IMAGE_CORRUPT as `openImage`; or what the only reader that recognised it says
 */
export async function openTree(path: string): Promise<OpenTree> {
  const source = await openImage(path);
  try {
    const { fileSystem, tree } = await recognise(source, path);
    return { fileSystem, tree, [Symbol.asyncDispose]: () => source.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function recognise(
  source: BlockSource,
  path: string,
): Promise<{ fileSystem: FileSystem; tree: FileTree }> {
  let damaged: GvaError | undefined;
  for (const { fileSystem, open } of openers) {
    try {
      return { fileSystem, tree: await open(source) };
    } catch (error) {
      if (!(error instanceof GvaError)) throw error;
      if (!absent.has(error.code)) damaged ??= error;
    }
  }
  throw damaged ?? (await unknownContent(source, path));
}

async function unknownContent(source: BlockSource, path: string): Promise<GvaError> {
  const { what, hint } = await foreignContent(source);
  return new GvaError('IMAGE_CONTENT', `no file system that can be read is in ${path}${what}`, {
    hint:
      hint ??
      'What is read: ext2, ext3, ext4, FAT12, FAT16, FAT32 and ISO 9660; raw, or in a qcow2, VMDK or VDI image.',
  });
}
