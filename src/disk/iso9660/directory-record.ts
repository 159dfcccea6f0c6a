import { sectorSize, writeBoth16, writeBoth32 } from './fields.js';

/** Longest directory record; its length is one byte and even (ECMA-119 9.1.1, 9.1.13). */
const maxRecordLength = 254;
const fixedLength = 33;
const directoryFlag = 2;

export interface RecordFields {
  identifier: Buffer;
  systemUse: Buffer;
  /** First sector and length in bytes of what the record describes. */
  sector: number;
  length: number;
  isDirectory: boolean;
  /** As of ECMA-119 9.1.5. */
  date: Buffer;
}

/** Bytes that a directory record has for system use. */
export function systemUseRoom(identifier: Buffer): number {
  return maxRecordLength - systemUseOffset(identifier);
}

export function recordLength({ identifier, systemUse }: { identifier: Buffer; systemUse: Buffer }): number {
  return even(systemUseOffset(identifier) + systemUse.length);
}

/** Where a record of `length` bytes begins that follows `offset`: none crosses a sector (ECMA-119 6.8.1.1). */
export function recordOffset(offset: number, length: number): number {
  const used = offset % sectorSize;
  return used + length > sectorSize ? offset + sectorSize - used : offset;
}

/** Writes a directory record (ECMA-119 9.1) and returns its length. */
export function writeRecord(buffer: Buffer, offset: number, fields: RecordFields): number {
  const { identifier, systemUse } = fields;
  const length = recordLength(fields);
  buffer[offset] = length;
  writeBoth32(buffer, fields.sector, offset + 2);
  writeBoth32(buffer, fields.length, offset + 10);
  fields.date.copy(buffer, offset + 18);
  buffer[offset + 25] = fields.isDirectory ? directoryFlag : 0;
  writeBoth16(buffer, 1, offset + 28);
  buffer[offset + 32] = identifier.length;
  identifier.copy(buffer, offset + fixedLength);
  systemUse.copy(buffer, offset + systemUseOffset(identifier));
  return length;
}

function systemUseOffset(identifier: Buffer): number {
  return even(fixedLength + identifier.length);
}

function even(length: number): number {
  return length + (length % 2);
}
