/**
 * A reader of ext2, ext3 and ext4 for images that an untrusted guest wrote. Written after the kernel's
 * Documentation/filesystems/ext4 and fs/ext4, with e2fsprogs as the judge in tests. Every number is checked
 * before it is used; what can be read is read, and these findings tell what could not be, or is not as it
 * should be:
 *
 * - EXT4_UNCLEAN: not unmounted, or with a journal that was not replayed: read as it stands.
 * - EXT4_ERRORS: marked by the guest as having errors. EXT4_TRUNCATED: the image is shorter than the file system.
 * - EXT4_CHECKSUM: a checksum is wrong; the data is used nevertheless.
 * - EXT4_BLOCK_RANGE: a block outside the image: that part of the file is a hole.
 * - EXT4_EXTENT, EXT4_BLOCK_MAP: the map of a file is broken; of extents that overlap the first wins, those
 *   that run backwards are left out; no block of a map is used twice.
 * - EXT4_INLINE: contents that should be in the inode are not.
 * - EXT4_DIRECTORY: a block of a directory is broken, missing, or one too many.
 * - EXT4_INODE: an entry leads to an inode that is reserved, outside the table, or of no known kind.
 * - EXT4_DELETED: an entry leads to an inode that is marked as deleted: read as it stands.
 * - EXT4_ENCRYPTED: only ciphertext is there: not read. EXT4_SYMLINK: a link longer than a block: not read.
 *
 * Thrown by `openExt4`: EXT4_NONE, EXT4_UNSUPPORTED, EXT4_CORRUPT, or one of the above for the root directory.
 */
export { Ext4, openExt4 } from './filesystem.js';
export type { Inode } from './inode.js';
