import { GvaError } from '../../system/errors.js';
import { ReadCache } from '../cache.js';
import type { BlockSource } from '../source.js';
import type { Superblock } from './superblock.js';

/** The blocks of a file system, behind the one check that every block number has to pass. */
export class Volume {
  readonly superblock: Superblock;
  readonly source: BlockSource;
  readonly blockSize: number;
  /** Blocks that can be read: what the superblock claims, or what the image really has. */
  readonly blocks: number;
  /** Where the inode tables of groups are, as far as known: see `inodeTableOf`. */
  readonly inodeTables = new Map<number, number>();
  readonly #cache: ReadCache;

  constructor(source: BlockSource, superblock: Superblock) {
    this.source = source;
    this.superblock = superblock;
    this.blockSize = superblock.blockSize;
    this.blocks = Math.min(superblock.blocks, Math.floor(source.size / superblock.blockSize));
    this.#cache = new ReadCache(source);
  }

  /** How many of `count` blocks from `block` on can be read: all, some, or 0. */
  readable(block: number, count: number): number {
    if (block <= this.superblock.firstDataBlock) return 0;
    return Math.max(0, Math.min(count, this.blocks - block));
  }

  /** One block of metadata, shared with a cache: never to be written to. Throws EXT4_BLOCK_RANGE. */
  async readBlock(block: number): Promise<Buffer> {
    if (this.readable(block, 1) === 0) {
      throw new GvaError(
        'EXT4_BLOCK_RANGE',
        `block ${block} is outside the file system of ${this.blocks} blocks`,
      );
    }
    return this.#cache.read(block * this.blockSize, this.blockSize);
  }

  /** Bytes of metadata that lie within one block. */
  async readWithin(block: number, offset: number, length: number): Promise<Buffer> {
    return (await this.readBlock(block)).subarray(offset, offset + length);
  }
}
