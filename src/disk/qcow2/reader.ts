import { ReadCache } from '../cache.js';
import { checkRange, type BlockSource } from '../source.js';
import { decompress } from './compression.js';
import {
  corrupt,
  HEADER_LENGTH,
  type NamedBacking,
  parseHeader,
  QCOW2_MAGIC,
  type Qcow2Header,
} from './header.js';

/** Expanded clusters kept: neighbours are read one after another. */
const EXPANDED = 4;
const SECTOR = 512;

export async function isQcow2(file: BlockSource): Promise<boolean> {
  return file.size >= 4 && (await file.read(0, 4)).readUInt32BE(0) === QCOW2_MAGIC;
}

/** The image of a disk that may be only what was written on top of others. */
export interface Layer extends BlockSource {
  /** Bytes. */
  readonly clusterSize: number;
  /** What it has of its own, in the order of the disk and without overlap; elsewhere it lets through what is below. */
  extents(): AsyncIterable<LayerExtent>;
}

/** Bytes of a disk. */
export interface LayerExtent {
  readonly offset: number;
  readonly length: number;
  /** All of it are zeros. */
  readonly zero: boolean;
}

/**
 * The disk inside a qcow2 file of version 2 or 3 (QEMU docs/interop/qcow2.txt), its active state only. Every
 * number in the file is taken for hostile. External data files are refused, and no other file is ever opened.
 * The disk owns `file` from then on.
 */
export async function openQcow2(file: BlockSource, backing: NamedBacking = 'refused'): Promise<Layer> {
  if (!(await isQcow2(file))) throw corrupt('it does not begin as one');
  const header = parseHeader(await file.read(0, Math.min(file.size, HEADER_LENGTH.most)), backing);
  if (header.l1Offset + header.l1Entries * 8 > file.size) throw corrupt('its L1 table is outside the file');
  return new Qcow2Source(file, header);
}

/** Bytes of the disk that have one origin: zeros, bytes of the file, or a compressed cluster. */
type Extent =
  | { kind: 'zero'; length: number }
  | { kind: 'data'; length: number; at: number }
  | { kind: 'compressed'; length: number; entry: bigint; within: number };

class Qcow2Source implements Layer {
  readonly size: number;
  readonly clusterSize: number;
  readonly #file: BlockSource;
  readonly #header: Qcow2Header;
  readonly #tables: ReadCache;
  readonly #expanded = new Map<bigint, Buffer>();

  constructor(file: BlockSource, header: Qcow2Header) {
    this.#file = file;
    this.#header = header;
    this.clusterSize = 2 ** header.clusterBits;
    this.#tables = new ReadCache(file);
    this.size = header.size;
  }

  async read(offset: number, length: number, into?: Buffer): Promise<Buffer> {
    checkRange(offset, length, this.size);
    const buffer = (into ?? Buffer.allocUnsafe(length)).subarray(0, length);
    for (let done = 0; done < length;) {
      const extent = await this.#extentAt(offset + done, length - done);
      await this.#fill(buffer.subarray(done, done + extent.length), extent);
      done += extent.length;
    }
    return buffer;
  }

  async *extents(): AsyncGenerator<LayerExtent> {
    const perTable = this.clusterSize / 8;
    const clusters = Math.ceil(this.size / this.clusterSize);
    for (let cluster = 0; cluster < clusters;) {
      const table = Math.floor(cluster / perTable);
      if (await this.#l2Table(table)) {
        const offset = cluster * this.clusterSize;
        const entry = await this.#l2Entry(cluster);
        const length = Math.min(this.clusterSize, this.size - offset);
        const zero = !(entry & COMPRESSED) && (entry & ZERO) !== 0n;
        if (zero || entry & COMPRESSED || entry & OFFSET) yield { offset, length, zero };
        cluster++;
      } else cluster = (table + 1) * perTable;
    }
  }

  async #fill(part: Buffer, extent: Extent): Promise<void> {
    if (extent.kind === 'zero') {
      part.fill(0);
    } else if (extent.kind === 'compressed') {
      (await this.#expand(extent.entry)).copy(part, 0, extent.within, extent.within + part.length);
    } else {
      // The file may end within its last cluster: the rest of that reads as zeros.
      const present = Math.min(part.length, this.#file.size - extent.at);
      if (present <= 0) throw corrupt(`a cluster at byte ${extent.at} is outside the file`);
      const read = await this.#file.read(extent.at, present, part.subarray(0, present));
      if (read.buffer !== part.buffer || read.byteOffset !== part.byteOffset) read.copy(part);
      part.fill(0, present);
    }
  }

  /** What is at an offset of the disk, joined with the clusters behind it as far as they go on likewise. */
  async #extentAt(offset: number, length: number): Promise<Extent> {
    const first = await this.#clusterExtent(offset, length);
    while (first.kind !== 'compressed' && first.length < length) {
      const next = await this.#clusterExtent(offset + first.length, length - first.length);
      const goesOn =
        first.kind === 'data' ? next.kind === 'data' && next.at === first.at + first.length : true;
      if (next.kind !== first.kind || !goesOn) break;
      first.length += next.length;
    }
    return first;
  }

  async #clusterExtent(offset: number, most: number): Promise<Extent> {
    const within = offset % this.clusterSize;
    const length = Math.min(most, this.clusterSize - within);
    const entry = await this.#l2Entry(Math.floor(offset / this.clusterSize));
    if (entry & COMPRESSED) return { kind: 'compressed', length, entry, within };
    if (entry & ZERO) {
      if (this.#header.version < 3) throw corrupt('a zero cluster in version 2');
      return { kind: 'zero', length };
    }
    const at = this.#aligned(entry, 'a cluster');
    return at === 0 ? { kind: 'zero', length } : { kind: 'data', length, at: at + within };
  }

  /** The L2 entry of a cluster; 0 where there is no L2 table. */
  async #l2Entry(cluster: number): Promise<bigint> {
    const perTable = this.clusterSize / 8;
    const table = await this.#l2Table(Math.floor(cluster / perTable));
    return table === 0 ? 0n : this.#tableEntry(table + 8 * (cluster % perTable));
  }

  /** Where in the file the L2 table is; 0 where there is none. */
  async #l2Table(number: number): Promise<number> {
    const entry = await this.#tableEntry(this.#header.l1Offset + 8 * number);
    return this.#aligned(entry, 'an L2 table');
  }

  async #tableEntry(at: number): Promise<bigint> {
    if (at + 8 > this.#file.size) throw corrupt(`an L2 table at byte ${at} is outside the file`);
    return (await this.#tables.read(at, 8)).readBigUInt64BE(0);
  }

  #aligned(entry: bigint, what: string): number {
    const at = Number(entry & OFFSET);
    if (at % this.clusterSize !== 0) throw corrupt(`${what} at byte ${at} is not aligned`);
    return at;
  }

  async #expand(entry: bigint): Promise<Buffer> {
    const known = this.#expanded.get(entry);
    if (known) return known;
    const offsetBits = BigInt(62 - (this.#header.clusterBits - 8));
    const at = Number(entry & ((1n << offsetBits) - 1n));
    const sectors = Number((entry & (COMPRESSED - 1n)) >> offsetBits) + 1;
    const length = Math.min(sectors * SECTOR - (at % SECTOR), this.#file.size - at);
    if (length <= 0) throw corrupt(`a compressed cluster at byte ${at} is outside the file`);
    const cluster = decompress(await this.#file.read(at, length), this.clusterSize);
    for (const oldest of this.#expanded.keys()) {
      if (this.#expanded.size < EXPANDED) break;
      this.#expanded.delete(oldest);
    }
    this.#expanded.set(entry, cluster);
    return cluster;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Fields of an entry of an L1 or L2 table. */
const COMPRESSED = 1n << 62n;
const OFFSET = 0x00fffffffffffe00n;
const ZERO = 1n;
