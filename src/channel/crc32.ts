const tables = makeTables();

/** Four bytes at a time take a quarter of the steps. */
function makeTables(): readonly Uint32Array[] {
  const first = new Uint32Array(256).map((_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });
  const all = [first];
  for (let j = 1; j < 4; j++)
    all.push((all[j - 1] as Uint32Array).map((value) => (value >>> 8) ^ (first[value & 255] as number)));
  return all;
}

/**
 * CRC-32 of IEEE 802.3, as in gzip (RFC 1952, section 8).
 *
 * @param before that of the bytes in front of these
 */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length, before = 0): number {
  const [t0, t1, t2, t3] = tables as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let value = ~before;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    value ^=
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    value =
      (t3[value & 255] as number) ^
      (t2[(value >>> 8) & 255] as number) ^
      (t1[(value >>> 16) & 255] as number) ^
      (t0[value >>> 24] as number);
  }
  for (; i < end; i++) value = (value >>> 8) ^ (t0[(value ^ (bytes[i] as number)) & 255] as number);
  return ~value >>> 0;
}
