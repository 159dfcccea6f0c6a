import { type FileHandle, open } from 'node:fs/promises';
import { type BackingFormat, overlayCluster, overlayHeader } from './overlay.js';
import type { Piece } from './layers.js';

const perTable = overlayCluster / 8;
/** Of an entry of an L1 or L2 table: the cluster has one reference. */
const copied = 1n << 63n;
const zeroFlag = 1n;

/** What the header says of the disk. */
export interface OverlayDisk {
  /** Bytes, as the guest sees it. */
  readonly size: number;
  /** What shows through where nothing was written; zeros where absent. */
  readonly backing?: { readonly file: string; readonly format: BackingFormat };
}

/**
 * Writes a qcow2 image of version 3 with this content: a new file, compact, from its beginning to its end.
 *
 * @param pieces in the order of the disk, without overlap; each begins and ends at a cluster's bounds, or the disk's end
 */
export async function writeOverlay(
  path: string,
  { size, backing }: OverlayDisk,
  pieces: AsyncIterable<Piece>,
): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    const writer = new Writer(handle, size);
    for await (const piece of pieces) await writer.add(piece);
    await writer.finish(backing);
  } finally {
    await handle.close();
  }
}

/** Cluster 0 is the header, then the L1 table, then data and L2 tables as they come, then the reference counts. */
class Writer {
  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #l1: BigUint64Array;
  readonly #l1Clusters: number;
  /** In clusters: where the next one goes. */
  #next: number;
  #table: { readonly number: number; readonly entries: Buffer } | undefined;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.#size = size;
    this.#l1 = new BigUint64Array(Math.max(1, Math.ceil(size / (overlayCluster * perTable))));
    this.#l1Clusters = Math.ceil((this.#l1.length * 8) / overlayCluster);
    this.#next = 1 + this.#l1Clusters;
  }

  async add({ offset, length, bytes }: Piece): Promise<void> {
    if (offset % overlayCluster !== 0) throw new RangeError(`a piece at ${offset} begins within a cluster`);
    for (let at = 0; at < length; at += overlayCluster) {
      const cluster = (offset + at) / overlayCluster;
      const content = bytes?.subarray(at, Math.min(at + overlayCluster, length));
      await this.#setEntry(cluster, content ? copied | BigInt(await this.#put(content)) : zeroFlag);
    }
  }

  async #setEntry(cluster: number, entry: bigint): Promise<void> {
    const number = Math.floor(cluster / perTable);
    let table = this.#table;
    if (table?.number !== number) {
      await this.#endTable();
      this.#table = table = { number, entries: Buffer.alloc(overlayCluster) };
    }
    table.entries.writeBigUInt64BE(entry, (cluster % perTable) * 8);
  }

  async #endTable(): Promise<void> {
    if (!this.#table) return;
    const { number, entries } = this.#table;
    this.#l1[number] = copied | BigInt(await this.#put(entries));
    this.#table = undefined;
  }

  /** Writes a cluster; where it is, in bytes. */
  async #put(bytes: Buffer): Promise<number> {
    const at = this.#next++ * overlayCluster;
    await this.#write(bytes, at);
    return at;
  }

  async finish(backing: OverlayDisk['backing']): Promise<void> {
    await this.#endTable();
    const l1 = Buffer.alloc(this.#l1.length * 8);
    this.#l1.forEach((entry, index) => l1.writeBigUInt64BE(entry, index * 8));
    await this.#write(l1, overlayCluster);
    const references = await this.#countReferences();
    const header = overlayHeader({
      ...{ size: this.#size, backing, l1Offset: overlayCluster },
      ...references,
    });
    await this.#write(header, 0);
    await this.#handle.truncate(this.#next * overlayCluster);
  }

  /** Every cluster of the file has one reference: those with the counts themselves as well. */
  async #countReferences(): Promise<{ readonly refcountOffset: number; readonly refcountClusters: number }> {
    const perBlock = overlayCluster / 2;
    const used = this.#next;
    let [blocks, tables] = [0, 0];
    for (let before = -1; before !== blocks + tables;) {
      before = blocks + tables;
      blocks = Math.ceil((used + before) / perBlock);
      tables = Math.ceil(blocks / perTable);
    }
    const total = used + blocks + tables;
    const table = Buffer.alloc(tables * overlayCluster);
    for (let block = 0; block < blocks; block++) {
      const counts = Buffer.alloc(overlayCluster);
      const present = Math.min(perBlock, total - block * perBlock);
      for (let index = 0; index < present; index++) counts.writeUInt16BE(1, index * 2);
      table.writeBigUInt64BE(BigInt(await this.#put(counts)), block * 8);
    }
    const refcountOffset = this.#next * overlayCluster;
    await this.#write(table, refcountOffset);
    this.#next += tables;
    return { refcountOffset, refcountClusters: tables };
  }

  async #write(bytes: Buffer, at: number): Promise<void> {
    for (let done = 0; done < bytes.length;)
      done += (await this.#handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}
