import { printable } from '../../disk/findings.js';
import { GvaError } from '../../system/errors.js';

/** Bytes of a header, and what contents are padded to (POSIX.1-2017, pax, "ustar Interchange Format"). */
export const TAR_BLOCK = 512;

/** Offsets and lengths of a ustar header's fields, in bytes. */
export const tarField = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 6],
  version: [263, 2],
  userName: [265, 32],
  groupName: [297, 32],
  deviceMajor: [329, 8],
  deviceMinor: [337, 8],
  prefix: [345, 155],
} as const satisfies Record<string, readonly [offset: number, length: number]>;

type FieldName = keyof typeof tarField;

export interface TarHeader {
  /** As it stands, with the prefix where there is one. */
  readonly name: Buffer;
  /** Bytes. */
  readonly size: number;
  /** One character; `0` also for the NUL of old archives. */
  readonly type: string;
}

/** The bytes of one field of a header. */
export function fieldOf(block: Buffer, field: FieldName): Buffer {
  const [offset, length] = tarField[field];
  return block.subarray(offset, offset + length);
}

/**
 * Parses a header of any dialect: v7, ustar (also VMware's, with GNU's version), GNU. `at` is its byte offset, for
 * errors. Not for a block of zeros.
 *
 * @throws GvaError PACKAGE_CORRUPT for a wrong checksum or a number that is none
 */
export function parseTarHeader(block: Buffer, at: number): TarHeader {
  const sums = checksumsOf(block);
  const checksum = parseNumber(fieldOf(block, 'checksum'));
  if (checksum === undefined || !sums.includes(checksum))
    throw tarCorrupt(`the header at byte ${at} has a wrong checksum`);
  const name = nameOf(block);
  const size = parseNumber(fieldOf(block, 'size'));
  if (size === undefined) throw tarCorrupt(`the size of "${printable(name)}" cannot be read`);
  const type = String.fromCharCode(block.readUInt8(tarField.type[0]));
  return { name, size, type: type === '\0' ? '0' : type };
}

/** Only POSIX has a prefix; GNU keeps times and other things there. */
function nameOf(block: Buffer): Buffer {
  const name = untilNul(fieldOf(block, 'name'));
  const isPosix = fieldOf(block, 'magic').toString('latin1') === 'ustar\0';
  const prefix = isPosix ? untilNul(fieldOf(block, 'prefix')) : Buffer.alloc(0);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

/** The bytes before the first NUL; all where there is none. */
export function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** The sum of a header's bytes with its own field as spaces; some old writers summed signed characters. */
function checksumsOf(block: Buffer): [unsigned: number, signed: number] {
  const [offset, length] = tarField.checksum;
  let unsigned = 0;
  let high = 0;
  for (let at = 0; at < TAR_BLOCK; at += 1) {
    const byte = at >= offset && at < offset + length ? 0x20 : (block[at] ?? 0);
    unsigned += byte;
    if (byte >= 0x80) high += 1;
  }
  return [unsigned, unsigned - 256 * high];
}

export function tarChecksum(block: Buffer): number {
  return checksumsOf(block)[0];
}

/** Octal digits, or GNU's base-256 for what is too large for them. Undefined where it is neither, or negative. */
export function parseNumber(field: Buffer): number | undefined {
  const first = field.readUInt8(0);
  if (first < 0x80) {
    const digits = /^ *([0-7]+)[ \0]*$/.exec(field.toString('latin1'))?.[1];
    return digits === undefined ? undefined : Number.parseInt(digits, 8);
  }
  if (first !== 0x80) return undefined;
  const value = BigInt(`0x${field.subarray(1).toString('hex')}`);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

export function tarCorrupt(reason: string): GvaError {
  return new GvaError('PACKAGE_CORRUPT', `the archive is damaged: ${reason}`, {
    hint: 'Fetch the package again, and compare its size and digest with its source.',
  });
}
