import { firstYear } from './fields.js';

/** Flags of a file (ECMA-119 9.1.6). */
export const FileFlag = { directory: 2, associated: 4, continues: 0x80 } as const;

/** Consecutive bytes of the image. */
export interface Extent {
  /** Byte offset in the image. */
  at: number;
  /** Bytes. */
  length: number;
}

/** A directory record (ECMA-119 9.1) as it stands: nothing is checked but its own lengths. */
export interface DirectoryRecord {
  /** Byte offset of the record in the image. */
  readonly at: number;
  readonly identifier: Buffer;
  readonly flags: number;
  /** The data, behind an extended attribute record where there is one. */
  readonly extent: Extent;
  /** File units with gaps between them (ECMA-119 6.4.3). */
  readonly interleaved: boolean;
  /** Recording date, seconds since 1970. */
  readonly recorded: number;
  readonly systemUse: Buffer;
  /** Bytes of the record. */
  readonly length: number;
}

const identifierAt = 33;

/** The record at an offset of a sector, whose own offset in the image is `at`; undefined where there can be none. */
export function parseRecord(
  sector: Buffer,
  offset: number,
  at: number,
  blockSize: number,
): DirectoryRecord | undefined {
  const length = sector[offset] ?? 0;
  if (length <= identifierAt || offset + length > sector.length) return undefined;
  const bytes = sector.subarray(offset, offset + length);
  const identifierLength = bytes.readUInt8(32);
  const identifierEnd = identifierAt + identifierLength;
  if (identifierLength === 0 || identifierEnd > length) return undefined;
  return {
    at: at + offset,
    identifier: bytes.subarray(identifierAt, identifierEnd),
    flags: bytes.readUInt8(25),
    extent: { at: (bytes.readUInt32LE(2) + bytes.readUInt8(1)) * blockSize, length: bytes.readUInt32LE(10) },
    interleaved: bytes.readUInt16LE(26) !== 0,
    recorded: parseRecordingDate(bytes.subarray(18, 25)),
    systemUse: bytes.subarray(identifierEnd + (1 - (identifierLength % 2))),
    length,
  };
}

/** Whether a record is that of the directory itself (0) or of its parent (1) (ECMA-119 7.6.2). */
export function isDot({ identifier }: DirectoryRecord, which: 0 | 1): boolean {
  return identifier.length === 1 && identifier[0] === which;
}

export const isDirectory = ({ flags }: DirectoryRecord): boolean => (flags & FileFlag.directory) !== 0;

/** Seconds since 1970 of a recording date (ECMA-119 9.1.5), whose last byte is the zone in quarters of an hour. */
export function parseRecordingDate(bytes: Buffer): number {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = bytes;
  const local = Date.UTC(firstYear + year, Math.max(month, 1) - 1, Math.max(day, 1), hour, minute, second);
  return local / 1000 - bytes.readInt8(6) * 900;
}

/** Seconds since 1970 of a date in digits (ECMA-119 8.4.26.1). */
export function parseVolumeDate(bytes: Buffer): number {
  const digits = (from: number, to: number): number => Number(bytes.toString('latin1', from, to)) || 0;
  const month = Math.max(digits(4, 6), 1) - 1;
  const local = Date.UTC(digits(0, 4), month, digits(6, 8), digits(8, 10), digits(10, 12), digits(12, 14));
  return local / 1000 + digits(14, 16) / 100 - bytes.readInt8(16) * 900;
}
