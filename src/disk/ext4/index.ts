export { Ext4, openExt4 } from './filesystem.js';
export type { Inode } from './inode.js';
