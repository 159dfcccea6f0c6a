import { writeRecord } from './directory-record.js';
import { recordingDate, sectorSize, ucs2, volumeDate, writeBoth16, writeBoth32 } from './fields.js';

export interface VolumeFields {
  volumeId: string;
  date: Date;
  /** Size of the volume in sectors. */
  sectors: number;
  root: { sector: number; length: number };
  pathTable: { length: number; littleEndianSector: number; bigEndianSector: number };
}

const DescriptorType = { primary: 1, supplementary: 2, terminator: 255 } as const;
/** UCS-2 level 3, the escape sequence of Joliet. */
const jolietEscape = '%/E';
const applicationId = 'GVA';

/** Primary volume descriptor (ECMA-119 8.4). */
export function writePrimaryDescriptor(buffer: Buffer, offset: number, fields: VolumeFields): void {
  writeDescriptor(buffer, offset, fields, DescriptorType.primary, (text, length) =>
    Buffer.from(text.padEnd(length), 'latin1'),
  );
}

/** Supplementary volume descriptor of Joliet (ECMA-119 8.5; Joliet specification, "SVD Escape Sequences"). */
export function writeJolietDescriptor(buffer: Buffer, offset: number, fields: VolumeFields): void {
  // A field of odd length ends with a single zero byte.
  writeDescriptor(buffer, offset, fields, DescriptorType.supplementary, (text, length) =>
    ucs2(text.padEnd(length >> 1).slice(0, length >> 1)),
  );
  buffer.write(jolietEscape, offset + 88, 'latin1');
}

/** Volume descriptor set terminator (ECMA-119 8.3). */
export function writeTerminator(buffer: Buffer, offset: number): void {
  writeHead(buffer, offset, DescriptorType.terminator);
}

function writeHead(buffer: Buffer, offset: number, type: number): void {
  buffer[offset] = type;
  buffer.write('CD001', offset + 1, 'latin1');
  buffer[offset + 6] = 1;
}

function writeDescriptor(
  buffer: Buffer,
  offset: number,
  fields: VolumeFields,
  type: number,
  text: (text: string, length: number) => Buffer,
): void {
  const at = buffer.subarray(offset, offset + sectorSize);
  writeHead(at, 0, type);
  text('', 32).copy(at, 8);
  text(fields.volumeId, 32).copy(at, 40);
  writeBoth32(at, fields.sectors, 80);
  writeBoth16(at, 1, 120); // volume set size
  writeBoth16(at, 1, 124); // volume sequence number
  writeBoth16(at, sectorSize, 128);
  writeBoth32(at, fields.pathTable.length, 132);
  at.writeUInt32LE(fields.pathTable.littleEndianSector, 140);
  at.writeUInt32BE(fields.pathTable.bigEndianSector, 148);
  const date = recordingDate(fields.date);
  const identifier = Buffer.from([0]);
  writeRecord(at, 156, { ...fields.root, identifier, systemUse: Buffer.alloc(0), isDirectory: true, date });
  for (const set of [190, 318, 446]) text('', 128).copy(at, set); // volume set, publisher, data preparer
  text(applicationId, 128).copy(at, 574);
  for (const file of [702, 739, 776]) text('', 37).copy(at, file); // copyright, abstract, bibliographic file
  volumeDate(fields.date).copy(at, 813); // creation
  volumeDate(fields.date).copy(at, 830); // modification
  volumeDate().copy(at, 847); // expiration
  volumeDate().copy(at, 864); // effective
  at[881] = 1; // file structure version
}
