import { ReadCache } from '../cache.js';
import type { BlockSource } from '../source.js';
import { ClusterSet } from './cluster-set.js';
import { firstCluster } from './geometry.js';
import type { FatGeometry } from './read-boot-sector.js';

/** What an entry of the allocation table says (FAT specification, "FAT Data Structure"). */
export type TableEntry = number | 'free' | 'bad' | 'end';

/** The clusters of a volume and its allocation table, behind the one check that every number has to pass. */
export class FatVolume {
  readonly source: BlockSource;
  readonly geometry: FatGeometry;
  /** Clusters that a chain has had. */
  readonly claimed = new ClusterSet();
  /** Nodes whose clusters are among `claimed`. */
  readonly walked = new Set<number>();
  readonly #cache: ReadCache;

  constructor(source: BlockSource, geometry: FatGeometry) {
    this.source = source;
    this.geometry = geometry;
    this.#cache = new ReadCache(source);
  }

  has(cluster: number): boolean {
    return cluster >= firstCluster && cluster < this.geometry.clusters + firstCluster;
  }

  /** Byte offset of a cluster in the image. */
  offsetOf(cluster: number): number {
    return this.geometry.dataAt + (cluster - firstCluster) * this.geometry.clusterSize;
  }

  /** Bytes of metadata, shared with a cache: never to be written to. Throws IMAGE_RANGE. */
  read(at: number, length: number): Promise<Buffer> {
    return this.#cache.read(at, length);
  }

  /** The entry of a cluster that the volume has. */
  async next(cluster: number): Promise<TableEntry> {
    const { width, tableAt } = this.geometry;
    const byte = tableAt + Math.floor((cluster * width) / 8);
    const raw = await this.#cache.read(byte, width === 32 ? 4 : 2);
    if (width === 32) return meaning(raw.readUInt32LE(0) & 0x0fffffff, 0x0ffffff7);
    const word = raw.readUInt16LE(0);
    if (width === 16) return meaning(word, 0xfff7);
    return meaning(cluster % 2 === 0 ? word & 0xfff : word >> 4, 0xff7);
  }
}

function meaning(value: number, bad: number): TableEntry {
  if (value === 0) return 'free';
  if (value < bad) return value;
  return value === bad ? 'bad' : 'end';
}
