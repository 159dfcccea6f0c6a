import type { BlockSource } from '../source.js';
import { corrupt, noDescriptor, unsupported } from './errors.js';
import { DEFLATE, DIRECTORY_AT_END, Field, Flag, MAGIC, Marker, NEWLINE_TEST, SECTOR } from './format.js';

/** What a reader needs of header and footer. Sizes and offsets in bytes. */
export interface VmdkHeader {
  /** Of the disk; the descriptor may say that the last grain counts only in part. */
  readonly capacity: number;
  readonly grainSize: number;
  readonly entriesPerTable: number;
  readonly descriptorOffset: number;
  readonly descriptorSize: number;
  readonly directoryOffset: number;
  readonly compressed: boolean;
  readonly zeroGrains: boolean;
}

/** The most that vSphere makes is 62 TB. */
export const MAX_CAPACITY = 2 ** 46;
const MAX_DESCRIPTOR = 2 ** 20;
/** Bytes of a grain: VMware makes 64 KiB, and names 4 KiB as the least. */
const GRAIN_SIZE = { least: 4096, most: 2 ** 20 } as const;
/** VMware makes 512, and QEMU reads no more. */
const ENTRIES_PER_TABLE = { least: 128, most: 512 } as const;

export async function isVmdk(file: BlockSource): Promise<boolean> {
  return file.size >= 4 && (await file.read(0, 4)).toString('latin1') === MAGIC;
}

/**
 * Reads and checks the header, and the footer where the header refers to it: then both have to agree.
 *
 * @param maxCapacity bytes
 */
export async function readHeader(file: BlockSource, maxCapacity: number): Promise<VmdkHeader> {
  if (!(await isVmdk(file))) throw corrupt('it does not begin as one');
  if (file.size < SECTOR) throw corrupt('its header is cut off');
  const bytes = await file.read(0, SECTOR);
  const atEnd = bytes.readBigUInt64LE(Field.directoryOffset) === DIRECTORY_AT_END;
  const header = parseHeader(atEnd ? await withFooter(file, bytes) : bytes);
  if (header.capacity > maxCapacity)
    throw unsupported(`a capacity of ${header.capacity} bytes, where ${maxCapacity} are allowed`);
  checkPlaces(header, file.size);
  return header;
}

/** The header with the place of the grain directory that the footer has. */
async function withFooter(file: BlockSource, header: Buffer): Promise<Buffer> {
  if (file.size < 4 * SECTOR) throw corrupt('its footer is cut off');
  const end = await file.read(file.size - 3 * SECTOR, 3 * SECTOR);
  const footer = end.subarray(SECTOR, 2 * SECTOR);
  const sound = isMarker(end, Marker.footer) && isMarker(end.subarray(2 * SECTOR), Marker.endOfStream);
  if (!sound || footer.toString('latin1', 0, 4) !== MAGIC) throw corrupt('it does not end with a footer');
  const whole = Buffer.from(header);
  footer.copy(whole, Field.directoryOffset, Field.directoryOffset, Field.directoryOffset + 8);
  if (whole.readBigUInt64LE(Field.directoryOffset) === DIRECTORY_AT_END)
    throw corrupt('its footer does not say where the grain directory is');
  // All but the places of the grain directories and what depends on them.
  const agree = header.compare(footer, Field.version, Field.entriesPerTable + 4, Field.version, Field.entriesPerTable + 4) === 0; // prettier-ignore
  if (!agree) throw corrupt('its header and its footer contradict each other');
  return whole;
}

function isMarker(bytes: Buffer, type: number): boolean {
  const noGrain = bytes.readUInt32LE(8) === 0 && bytes.readUInt32LE(12) === type;
  return noGrain && (type !== Marker.endOfStream || bytes.readBigUInt64LE(0) === 0n);
}

function parseHeader(bytes: Buffer): VmdkHeader {
  const version = bytes.readUInt32LE(Field.version);
  if (version < 1 || version > 3) throw unsupported(`version ${version}`);
  const flags = bytes.readUInt32LE(Field.flags);
  checkFlags(bytes, flags);
  const entriesPerTable = bytes.readUInt32LE(Field.entriesPerTable);
  if (!isPowerOfTwo(entriesPerTable, ENTRIES_PER_TABLE))
    throw corrupt(`it claims grain tables of ${entriesPerTable} entries`);
  const grainSize = bytesOf(bytes, Field.grainSize, 'grain size');
  if (!isPowerOfTwo(grainSize, GRAIN_SIZE)) throw corrupt(`it claims grains of ${grainSize} bytes`);
  const capacity = bytesOf(bytes, Field.capacity, 'capacity');
  // Tools take such a header for a pointer to a descriptor, which may name any file.
  if (capacity === 0) throw corrupt('its capacity is 0');
  return {
    capacity,
    grainSize,
    entriesPerTable,
    descriptorOffset: bytesOf(bytes, Field.descriptorOffset, 'place of the descriptor'),
    descriptorSize: bytesOf(bytes, Field.descriptorSize, 'size of the descriptor'),
    directoryOffset: bytesOf(bytes, Field.directoryOffset, 'place of the grain directory'),
    compressed: (flags & Flag.compressed) !== 0,
    zeroGrains: (flags & Flag.zeroGrains) !== 0,
  };
}

function checkFlags(bytes: Buffer, flags: number): void {
  const newlines = bytes.toString('latin1', Field.newlineTest, Field.newlineTest + NEWLINE_TEST.length);
  if (flags & Flag.newlineTest && newlines !== NEWLINE_TEST)
    throw corrupt('its ends of lines were translated, as by a transfer as text');
  // The upper half is for what changes the meaning of all the rest.
  const unknown = flags & 0xffff0000 & ~(Flag.compressed | Flag.markers);
  if (unknown !== 0) throw unsupported(`incompatible features 0x${(unknown >>> 0).toString(16)}`);
  const isCompressed = (flags & Flag.compressed) !== 0;
  if (isCompressed !== ((flags & Flag.markers) !== 0)) throw unsupported('compression without markers, or these alone'); // prettier-ignore
  const method = bytes.readUInt16LE(Field.compression);
  if (isCompressed && method !== DEFLATE) throw unsupported(`compression method ${method}`);
}

/** A number of sectors, in bytes. */
function bytesOf(header: Buffer, at: number, what: string): number {
  const sectors = header.readBigUInt64LE(at);
  if (sectors > BigInt(Math.floor(Number.MAX_SAFE_INTEGER / SECTOR)))
    throw corrupt(`its ${what} is ${sectors} sectors`);
  return Number(sectors) * SECTOR;
}

function isPowerOfTwo(value: number, { least, most }: { least: number; most: number }): boolean {
  return value >= least && value <= most && Number.isInteger(Math.log2(value));
}

function checkPlaces(header: VmdkHeader, fileSize: number): void {
  const { descriptorOffset, descriptorSize, directoryOffset } = header;
  if (descriptorOffset === 0 || descriptorSize === 0) throw noDescriptor();
  if (descriptorSize > MAX_DESCRIPTOR) throw corrupt(`its descriptor has ${descriptorSize} bytes`);
  if (descriptorOffset + descriptorSize > fileSize) throw corrupt('its descriptor is outside the file');
  const tables = Math.ceil(header.capacity / (header.grainSize * header.entriesPerTable));
  if (directoryOffset === 0 || directoryOffset + 4 * tables > fileSize)
    throw corrupt('its grain directory is outside the file');
}
