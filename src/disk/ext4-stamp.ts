import { type FileHandle, open } from 'node:fs/promises';

/** Fields of the superblock and of group descriptors: kernel documentation, filesystems/ext4. */
const superblockOffset = 1024;
const descriptorSize = 32;
export const inodeSize = 256;
const blockSize = 4096;

/**
 * Gives every inode of an image to root and sets all its times to `date`: mke2fs takes both from the files it
 * finds, and a time of change cannot be set on a file. Only for images as makeExt4 makes them: 4 KiB blocks,
 * inodes of 256 bytes, group descriptors of 32, no checksums of inodes.
 */
export async function stampInodes(path: string, date: Date): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    for (const { table, used } of await groupsOf(handle)) {
      if (used === 0) continue;
      const inodes = await readAt(handle, table, used * inodeSize);
      for (let inode = 0; inode < used; inode++) stamp(inodes.subarray(inode * inodeSize), date);
      await handle.write(inodes, 0, inodes.length, table);
    }
  } finally {
    await handle.close();
  }
}

/** Where each group's inode table begins, in bytes, how many of its inodes have ever been used, and how many it has. */
export async function groupsOf(
  handle: FileHandle,
): Promise<{ table: number; used: number; inodes: number }[]> {
  const superblock = await readAt(handle, superblockOffset, 1024);
  const inodesPerGroup = superblock.readUInt32LE(40);
  const groups = Math.ceil(superblock.readUInt32LE(4) / superblock.readUInt32LE(32));
  const descriptors = await readAt(handle, blockSize, groups * descriptorSize);
  return Array.from({ length: groups }, (_, group) => {
    const descriptor = descriptors.subarray(group * descriptorSize);
    return {
      table: descriptor.readUInt32LE(8) * blockSize,
      used: inodesPerGroup - descriptor.readUInt16LE(28),
      inodes: inodesPerGroup,
    };
  });
}

function stamp(inode: Buffer, date: Date): void {
  if (inode.readUInt16LE(0) === 0) return;
  const seconds = date.getTime() / 1000;
  // Owner and group, low and high halves.
  for (const offset of [2, 24, 120, 122]) inode.writeUInt16LE(0, offset);
  // Access, change, modification; creation. Behind them, the extra bits of each.
  for (const offset of [8, 12, 16, 144]) inode.writeUInt32LE(seconds, offset);
  for (const offset of [132, 136, 140, 148]) inode.writeUInt32LE(0, offset);
}

export async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
  if (bytesRead !== length) throw new Error(`short read of ${length} bytes at ${offset}`);
  return buffer;
}
