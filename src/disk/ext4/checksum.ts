/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) as ext4 uses it: no inversion before or after; the
 * first call starts from 0xFFFFFFFF. Kernel Documentation/filesystems/ext4/checksums.rst.
 */
export function crc32c(crc: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let value = crc;
  let at = start;
  for (; at + 8 <= end; at += 8)
    value = step8(value ^ view.getUint32(at, true), view.getUint32(at + 4, true));
  for (; at < end; at += 1) value = entry((value ^ view.getUint8(at)) & 0xff) ^ (value >>> 8);
  return value >>> 0;
}

export function crc32cOfNumber(crc: number, value: number): number {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value);
  return crc32c(crc, bytes);
}

/** CRC-16 (ANSI, reflected polynomial 0xA001) of group descriptors without metadata_csum. */
export function crc16(crc: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  let value = crc;
  for (let at = start; at < end; at += 1) {
    value ^= bytes[at] ?? 0;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xa001 : value >>> 1;
  }
  return value;
}

/** Eight tables in a row (slicing by 8): table k is the effect of a byte that is followed by k zero bytes. */
const tables = makeTables();

function makeTables(): Int32Array {
  const all = new Int32Array(8 * 256);
  for (let index = 0; index < 256; index += 1) {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    all[index] = value;
  }
  for (let index = 256; index < all.length; index += 1) {
    const before = all[index - 256] ?? 0;
    all[index] = (all[before & 0xff] ?? 0) ^ (before >>> 8);
  }
  return all;
}

function step8(low: number, high: number): number {
  return (
    entry(0x700 | (low & 0xff)) ^
    entry(0x600 | ((low >>> 8) & 0xff)) ^
    entry(0x500 | ((low >>> 16) & 0xff)) ^
    entry(0x400 | (low >>> 24)) ^
    entry(0x300 | (high & 0xff)) ^
    entry(0x200 | ((high >>> 8) & 0xff)) ^
    entry(0x100 | ((high >>> 16) & 0xff)) ^
    entry(high >>> 24)
  );
}

function entry(index: number): number {
  return tables[index] as number;
}
