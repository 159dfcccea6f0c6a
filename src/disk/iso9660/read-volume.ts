import { GvaError } from '../../system/errors.js';
import { ReadCache } from '../cache.js';
import type { BlockSource } from '../source.js';
import { sectorSize } from './fields.js';
import { decodeUcs2 } from './read-names.js';
import { parseRecord, type DirectoryRecord, type Extent } from './read-record.js';

/** Where a hierarchy begins and how it is written, by its volume descriptor (ECMA-119 8.4, 8.5). */
export interface Hierarchy {
  /** Names are in UCS-2. */
  readonly joliet: boolean;
  /** Bytes of a logical block: 512 to 2,048. */
  readonly blockSize: number;
  /** Bytes that the volume claims to have. */
  readonly size: number;
  readonly label: string;
  readonly root: DirectoryRecord;
}

const firstDescriptor = 16;
/** More than any writer makes; a volume of descriptors only has no end. */
const maxDescriptors = 64;
const DescriptorType = { primary: 1, supplementary: 2, terminator: 255 } as const;
const rootRecordAt = 156;
const rootRecordLength = 34;
/** UCS-2 levels 1 to 3 (Joliet specification, "SVD Escape Sequences"). */
const jolietEscapes = ['%/@', '%/C', '%/E'];

/** Whether a volume descriptor stands where the first of them has to. */
export async function looksLikeIso(source: BlockSource): Promise<boolean> {
  const at = firstDescriptor * sectorSize;
  return source.size >= at + sectorSize && isDescriptor(await source.read(at, 7));
}

/**
 * The hierarchies of a volume, the primary one first where there is one.
 *
 * @throws GvaError ISO_NONE, ISO_CORRUPT where there are descriptors but none that can be used
 */
export async function readHierarchies(source: BlockSource): Promise<Hierarchy[]> {
  if (!(await looksLikeIso(source))) throw new GvaError('ISO_NONE', 'the image holds no ISO 9660 volume');
  const found: Hierarchy[] = [];
  for (let sector = firstDescriptor; sector < firstDescriptor + maxDescriptors; sector++) {
    const at = sector * sectorSize;
    if (at + sectorSize > source.size) break;
    const bytes = await source.read(at, sectorSize);
    if (!isDescriptor(bytes) || bytes[0] === DescriptorType.terminator) break;
    const hierarchy = parseDescriptor(bytes, at);
    if (hierarchy && !found.some(({ joliet }) => joliet === hierarchy.joliet)) found.push(hierarchy);
  }
  if (found.length === 0) throw new GvaError('ISO_CORRUPT', 'the ISO 9660 volume has no usable descriptor');
  return found.sort((a, b) => Number(a.joliet) - Number(b.joliet));
}

function isDescriptor(bytes: Buffer): boolean {
  return bytes.toString('latin1', 1, 6) === 'CD001' && bytes[6] === 1;
}

function parseDescriptor(bytes: Buffer, at: number): Hierarchy | undefined {
  const joliet = bytes[0] === DescriptorType.supplementary;
  if (joliet && !jolietEscapes.includes(bytes.toString('latin1', 88, 91))) return undefined;
  if (!joliet && bytes[0] !== DescriptorType.primary) return undefined;
  const blockSize = bytes.readUInt16LE(128);
  if (![512, 1024, 2048].includes(blockSize)) return undefined;
  const root = parseRecord(bytes.subarray(0, rootRecordAt + rootRecordLength), rootRecordAt, at, blockSize);
  if (!root) return undefined;
  const label = bytes.subarray(40, 72);
  return {
    joliet,
    blockSize,
    size: bytes.readUInt32LE(80) * blockSize,
    label: (joliet ? decodeUcs2(label) : label.toString('latin1')).replace(/[\0 ]+$/, ''),
    root,
  };
}

/** A hierarchy that is read, and the bytes to skip in its system use fields; no Rock Ridge where undefined. */
export interface ReadHierarchy {
  volume: IsoVolume;
  skip: number | undefined;
}

/** Files with several names that are remembered; the names beyond become files of their own. */
const maxLinked = 100_000;

/** The bytes of a volume, behind the one check that every place has to pass. */
export class IsoVolume {
  readonly source: BlockSource;
  readonly hierarchy: Hierarchy;
  readonly #cache: ReadCache;
  readonly #linked = new Map<string, number>();

  constructor(source: BlockSource, hierarchy: Hierarchy) {
    this.source = source;
    this.hierarchy = hierarchy;
    this.#cache = new ReadCache(source);
  }

  /** How many bytes of an extent the image has: all, some, or 0. */
  readable({ at, length }: Extent): number {
    return Math.max(0, Math.min(length, this.source.size - at));
  }

  /** The record by which a file with several names was first seen, by place and size; else the one at hand. */
  firstRecord({ at, length }: Extent, record: number): number {
    const key = `${at}+${length}`;
    const first = this.#linked.get(key);
    if (first === undefined && this.#linked.size < maxLinked) this.#linked.set(key, record);
    return first ?? record;
  }

  /** Bytes of metadata, shared with a cache: never to be written to. Throws IMAGE_RANGE. */
  read(at: number, length: number): Promise<Buffer> {
    return this.#cache.read(at, length);
  }

  /** The record at a byte offset of the image; undefined where there can be none. */
  async readRecord(at: number): Promise<DirectoryRecord | undefined> {
    const offset = at % sectorSize;
    const start = at - offset;
    const length = Math.min(sectorSize, this.source.size - start);
    if (!(start >= 0 && length > offset)) return undefined;
    return parseRecord(await this.read(start, length), offset, start, this.hierarchy.blockSize);
  }
}
