/** Feature bits of the superblock: kernel fs/ext4/ext4.h, Documentation/filesystems/ext4/super.rst. */
export const Incompat = {
  compression: 0x1,
  filetype: 0x2,
  recover: 0x4,
  journalDevice: 0x8,
  metaBg: 0x10,
  extents: 0x40,
  sixtyFourBit: 0x80,
  mmp: 0x100,
  flexBg: 0x200,
  eaInode: 0x400,
  dirdata: 0x1000,
  csumSeed: 0x2000,
  largedir: 0x4000,
  inlineData: 0x8000,
  encrypt: 0x10000,
  casefold: 0x20000,
} as const;

export const RoCompat = {
  sparseSuper: 0x1,
  gdtCsum: 0x10,
  bigalloc: 0x200,
  metadataCsum: 0x400,
} as const;

export const Compat = { sparseSuper2: 0x200 } as const;

/**
 * Incompatible features that change nothing for a reader, or that it knows.
 * - encrypt: names and contents of inodes that carry the flag are skipped with a finding; the rest is read.
 * - casefold: names are stored as they were given, only their hash is folded: read as they are.
 * - verity (a read-only feature): contents are read, their hash tree is not verified.
 * - bigalloc (a read-only feature): extents count blocks all the same; only the bitmaps differ.
 */
export const READABLE_INCOMPAT =
  Incompat.filetype |
  Incompat.recover |
  Incompat.metaBg |
  Incompat.extents |
  Incompat.sixtyFourBit |
  Incompat.mmp |
  Incompat.flexBg |
  Incompat.csumSeed |
  Incompat.largedir |
  Incompat.inlineData |
  Incompat.encrypt |
  Incompat.casefold;

/** The names of the set bits, unknown ones as hexadecimal numbers, for an error message. */
export function incompatNames(bits: number): string {
  const names: string[] = [];
  for (let bit = 0; bit < 32; bit += 1) {
    const mask = (1 << bit) >>> 0;
    if ((bits & mask) === 0) continue;
    const known = Object.entries(Incompat).find(([, value]) => value === mask);
    names.push(known ? `${known[0]} (0x${mask.toString(16)})` : `0x${mask.toString(16)}`);
  }
  return names.join(', ');
}

/** Flags of an inode (i_flags). */
export const InodeFlag = {
  encrypt: 0x800,
  index: 0x1000,
  extents: 0x80000,
  eaInode: 0x200000,
  inlineData: 0x10000000,
} as const;
