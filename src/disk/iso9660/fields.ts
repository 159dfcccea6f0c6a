/** Logical sector and logical block in bytes (ECMA-119 6.1.2, 6.2.2). */
export const sectorSize = 2048;

export function sectorsFor(bytes: number): number {
  return Math.ceil(bytes / sectorSize);
}

/** A 16-bit number, little endian then big endian (ECMA-119 7.2.3). Takes 4 bytes. */
export function writeBoth16(buffer: Buffer, value: number, offset: number): void {
  buffer.writeUInt16LE(value, offset);
  buffer.writeUInt16BE(value, offset + 2);
}

/** A 32-bit number, little endian then big endian (ECMA-119 7.3.3). Takes 8 bytes. */
export function writeBoth32(buffer: Buffer, value: number, offset: number): void {
  buffer.writeUInt32LE(value, offset);
  buffer.writeUInt32BE(value, offset + 4);
}

/** Years that the one byte of a recording date can hold. */
export const firstYear = 1900;
export const lastYear = firstYear + 255;

/** Recording date and time (ECMA-119 9.1.5), 7 bytes, in UTC. */
export function recordingDate(date: Date): Buffer {
  return Buffer.from([
    date.getUTCFullYear() - firstYear,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    0,
  ]);
}

/** Date and time of a volume descriptor (ECMA-119 8.4.26.1), 17 bytes, in UTC; "not specified" without a date. */
export function volumeDate(date?: Date): Buffer {
  const digits =
    date === undefined
      ? '0'.repeat(16)
      : date
          .toISOString()
          .replaceAll(/[-T:.]/g, '')
          .slice(0, 16);
  return Buffer.from(`${digits}\0`, 'latin1');
}

/** Text as UCS-2 with the more significant byte first, the character set of Joliet. */
export function ucs2(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}
