import { expect } from 'vitest';
import { openExt4 } from '../../src/disk/ext4/index.js';
import { imageOf, MemorySource, type ImageOptions, type Plant } from './ext4-fixture.js';
import { extractedImage, type Extracted } from './extract-fixture.js';

/** Bytes of a block in these images. */
export const BLOCK = 1024;
const INODE = 256;
const EXTENT_HEADER = 12;

/** Without checksums, so that patching bytes is all it takes. */
const PLAIN = ['-b', `${BLOCK}`, '-I', `${INODE}`, '-O', '^metadata_csum,^64bit,^has_journal'];

/** A well-formed image with handles on its structures, for tests to put evil into. */
export class EvilImage {
  readonly bytes: Buffer;
  readonly #inodes: ReadonlyMap<string, number>;

  /** By `evilImage` only. */
  constructor(bytes: Buffer, inodes: ReadonlyMap<string, number>) {
    this.bytes = bytes;
    this.#inodes = inodes;
  }

  /** Number of the inode at a path; the root is ''. */
  number(path: string): number {
    const number = this.#inodes.get(path);
    if (number === undefined) throw new Error(`no ${path} in the image`);
    return number;
  }

  /** The first group's descriptor, the only one in a small image. */
  get group(): Buffer {
    return this.bytes.subarray(2 * BLOCK, 2 * BLOCK + 32);
  }

  get superblock(): Buffer {
    return this.bytes.subarray(1024, 2048);
  }

  block(number: number): Buffer {
    return this.bytes.subarray(number * BLOCK, (number + 1) * BLOCK);
  }

  inode(path: string): Buffer {
    return this.inodeAt(this.number(path));
  }

  inodeAt(number: number): Buffer {
    const at = this.group.readUInt32LE(8) * BLOCK + (number - 1) * INODE;
    return this.bytes.subarray(at, at + INODE);
  }

  /** i_block of an inode: the root of its extent tree, or its pointers. */
  map(path: string): Buffer {
    return this.inode(path).subarray(0x28, 0x28 + 60);
  }

  setSize(path: string, size: bigint): void {
    this.inode(path).writeUInt32LE(Number(size & 0xffffffffn), 0x4);
    this.inode(path).writeUInt32LE(Number(size >> 32n), 0x6c);
  }

  setFlags(path: string, flags: number): void {
    const inode = this.inode(path);
    inode.writeUInt32LE((inode.readUInt32LE(0x20) | flags) >>> 0, 0x20);
  }

  /** First data block of a file or directory with extents. */
  firstBlock(path: string): number {
    return this.map(path).readUInt32LE(EXTENT_HEADER + 8);
  }

  /** The entry of a name in the first block of a directory: header and name. */
  entry(directory: string, name: string): Buffer {
    const block = this.block(this.firstBlock(directory));
    for (let at = 0; at < BLOCK; at += block.readUInt16LE(at + 4)) {
      const length = block.readUInt8(at + 6);
      if (block.toString('latin1', at + 8, at + 8 + length) === name) return block.subarray(at);
    }
    throw new Error(`no entry ${name}`);
  }

  /** The names in the first block of a directory, dot entries included. */
  entries(directory: string): string[] {
    const block = this.block(this.firstBlock(directory));
    const names: string[] = [];
    for (let at = 0; at < BLOCK; at += block.readUInt16LE(at + 4)) {
      names.push(block.toString('latin1', at + 8, at + 8 + block.readUInt8(at + 6)));
    }
    return names;
  }

  /** Gives an entry another name (latin1) that is no longer than the old one, rounded up to 4 bytes. */
  rename(directory: string, name: string, to: string): void {
    const entry = this.entry(directory, name);
    entry.writeUInt8(to.length, 6);
    entry.write(to, 8, 'latin1');
  }

  /** Lets an entry lead to another inode. */
  redirect(directory: string, name: string, inode: number): void {
    this.entry(directory, name).writeUInt32LE(inode);
  }
}

export interface Extent {
  logical: number;
  length: number;
  physical: number;
}

/** Writes a leaf of an extent tree, for `EvilImage.map` or a block. */
export function writeLeaf(node: Buffer, extents: readonly Extent[]): void {
  writeHeader(node, extents.length, 0);
  extents.forEach(({ logical, length, physical }, index) => {
    const at = EXTENT_HEADER + 12 * index;
    node.writeUInt32LE(logical, at);
    node.writeUInt16LE(length, at + 4);
    node.writeUInt16LE(Math.floor(physical / 2 ** 32), at + 6);
    node.writeUInt32LE(physical % 2 ** 32, at + 8);
  });
}

/** Writes an inner node of an extent tree: children by first logical block and block number. */
export function writeIndex(
  node: Buffer,
  depth: number,
  children: readonly (readonly [number, number])[],
): void {
  writeHeader(node, children.length, depth);
  children.forEach(([logical, block], index) => {
    node.writeUInt32LE(logical, EXTENT_HEADER + 12 * index);
    node.writeUInt32LE(block, EXTENT_HEADER + 12 * index + 4);
    node.writeUInt16LE(0, EXTENT_HEADER + 12 * index + 8);
  });
}

function writeHeader(node: Buffer, entries: number, depth: number): void {
  node.writeUInt16LE(0xf30a, 0);
  node.writeUInt16LE(entries, 2);
  node.writeUInt16LE(Math.floor((node.length - EXTENT_HEADER) / 12), 4);
  node.writeUInt16LE(depth, 6);
}

export async function evilImage(
  plants: Readonly<Record<string, Plant>>,
  options: ImageOptions = {},
): Promise<EvilImage> {
  const bytes = imageOf(plants, { ...options, mke2fs: [...PLAIN, ...(options.mke2fs ?? [])] });
  const inodes = new Map([['', 2]]);
  for await (const { path, node } of (await openExt4(new MemorySource(bytes))).list()) {
    inodes.set(path.toString('latin1'), node.id);
  }
  return new EvilImage(bytes, inodes);
}

/** Unharmed neighbours: whatever is done to the rest of an image, they have to come out. */
export const good: Record<string, Plant> = { 'good/file': 'good contents', 'good/link': { symlink: 'file' } };
export const goodFound = {
  good: 'directory 755',
  'good/file': 'file 644 13 good contents',
  'good/link': 'link to file',
};

/** Extracts an image that evil was put into; what is found beside the good neighbours is `rest`. */
export async function extractedEvil(
  plants: Record<string, Plant>,
  evil: (image: EvilImage) => void,
): Promise<Extracted & { rest: Record<string, string> }> {
  const image = await evilImage({ ...good, ...plants });
  evil(image);
  const result = await extractedImage(image.bytes);
  const found = Object.fromEntries(result.found);
  expect(found).toMatchObject(goodFound);
  const rest = Object.fromEntries([...result.found].filter(([path]) => !path.startsWith('good')));
  return { ...result, rest };
}
