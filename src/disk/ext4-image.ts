import { open, rm } from 'node:fs/promises';
import { checkSource, sourceFailure } from './ext4-source.js';
import { runTool } from '../system/process.js';
import type { InodeAttributes } from './ext4-attributes.js';
import { stampInodes } from './ext4-stamp.js';

/**
 * Every time that GVA writes into an image: the same input gives the same bytes. 2000-01-01, because some
 * programs take 1970 for "no date".
 */
export const imageDate = new Date('2000-01-01T00:00:00Z');

export interface Ext4Options {
  /** At most 16 bytes. */
  label: string;
  /** Bytes of the whole image. */
  size: number;
  /** Files and folders that it must be able to hold; one per 16 KiB where absent. */
  inodes?: number;
  /** Folder whose content becomes the content of the file system. */
  from?: string;
  /** What of it is not as the host's folder has it, or belongs to others than root. */
  attributes?: readonly InodeAttributes[];
}

/**
 * Makes an ext4 file system in a new sparse file, without root and without mounting, by `mke2fs -d`.
 * No journal: an instance that dies is run again, never recovered. Same content, same bytes: UUID and hash
 * seed and all times are fixed, and everything belongs to root, save what `attributes` says. Modes, symbolic
 * and hard links and holes are kept.
 * Not synced and not renamed into place: callers who keep the image do that. Where it fails, the file is removed.
 *
 * @throws GvaError EXT4_SOURCE naming a file that cannot be stored or read, EXT4_FULL where the image is too small,
 *   HOST_FULL where the host is
 */
export async function makeExt4(path: string, options: Ext4Options): Promise<void> {
  const { from, attributes } = options;
  if (from !== undefined) await checkSource(from);
  const handle = await open(path, 'wx');
  try {
    await handle.truncate(options.size);
    await handle.close();
    await runTool('mke2fs', ext4Arguments(path, options), {
      env: { E2FSPROGS_FAKE_TIME: String(imageDate.getTime() / 1000) },
    });
    if (from !== undefined) await stampInodes(path, imageDate);
    if (attributes !== undefined)
      await (await import('./ext4-attributes.js')).setAttributes(path, attributes);
  } catch (error) {
    await handle.close();
    await rm(path, { force: true });
    throw await sourceFailure(error, path, options);
  }
}

export function ext4Arguments(path: string, options: Ext4Options): string[] {
  // uninit_bg with lazy_itable_init: an empty 64 MiB disk takes 104 KiB on the host instead of 2 MiB.
  const features =
    'ext_attr,dir_index,filetype,extent,flex_bg,sparse_super,large_file,huge_file,uninit_bg,dir_nlink,extra_isize';
  return [
    ...['-q', '-F', '-t', 'ext4', '-b', '4096', '-I', '256', '-m', '0'],
    ...(options.inodes === undefined ? ['-i', '16384'] : ['-N', String(options.inodes)]),
    ...['-O', `none,${features}`],
    ...['-L', options.label],
    ...['-U', '6a2c5bd2-7b0c-4b8e-9a53-5f1e6d1c0001'],
    ...['-E', 'hash_seed=6a2c5bd2-7b0c-4b8e-9a53-5f1e6d1c0002,root_owner=0:0,nodiscard,lazy_itable_init=1'],
    ...(options.from === undefined ? [] : ['-d', options.from]),
    path,
  ];
}

/**
 * Size and number of inodes of a file system that holds so much content and leaves so much free.
 *
 * @param entries files, folders and links
 * @param bytes of all files together
 * @param free bytes
 */
export function ext4Size(entries: number, bytes: number, free: number): { size: number; inodes: number } {
  const inodes = Math.ceil((entries + 64) * 1.2) + 1024;
  // A file's last block is half empty on average and full at worst; a folder or link takes a block; 1/64 is
  // more than bitmaps, extent trees and the copies of the group descriptors take.
  const content = bytes + entries * 4096 + inodes * 256;
  const size = content + Math.ceil(content / 64) + free + (1 << 20);
  return { size: Math.ceil(size / (1 << 20)) * (1 << 20), inodes };
}
