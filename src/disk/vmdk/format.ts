/**
 * VMware's "Virtual Disk Format 5.0", hosted sparse extents: the numbers that reader and writer share. Integers
 * are little-endian; offsets and sizes in the file are in sectors.
 */

export const SECTOR = 512;
/** The first bytes of the file, and of the footer. */
export const MAGIC = 'KDMV';

export const Flag = {
  /** The bytes that betray a transfer as text are there. */
  newlineTest: 1 << 0,
  /** There is a second copy of the grain directory and tables. */
  redundantTables: 1 << 1,
  /** An entry of 1 in a grain table stands for a grain of zeros. */
  zeroGrains: 1 << 2,
  compressed: 1 << 16,
  markers: 1 << 17,
} as const;

/** Where a header says so, the offset of the grain directory is in the footer. */
export const DIRECTORY_AT_END = 0xffff_ffff_ffff_ffffn;
export const DEFLATE = 1;

/** The grain marker: first sector of the disk (8 bytes), length of the compressed bytes that follow (4). */
export const GRAIN_MARKER_LENGTH = 12;

/** Type of a marker without compressed bytes, which takes a sector. */
export const Marker = { endOfStream: 0, grainTable: 1, grainDirectory: 2, footer: 3 } as const;

/** Header and footer, by byte. */
export const Field = {
  version: 4,
  flags: 8,
  capacity: 12,
  grainSize: 20,
  descriptorOffset: 28,
  descriptorSize: 36,
  entriesPerTable: 44,
  directoryOffset: 56,
  overhead: 64,
  newlineTest: 73,
  compression: 77,
} as const;

/** What `Flag.newlineTest` announces. */
export const NEWLINE_TEST = '\n \r\n';

export const sectorsOf = (bytes: number) => Math.ceil(bytes / SECTOR);
