import { GvaError } from '../../system/errors.js';
import { Findings, type Finding, type Report } from '../findings.js';
import { listTree, type ListedEntry, type ListOptions } from '../list.js';
import type { BlockSource } from '../source.js';
import type { DirectoryEntry, FilePiece, FileTree } from '../tree.js';
import { contents } from './contents.js';
import { directoryEntries } from './directory.js';
import { InodeFlag } from './features.js';
import { readInode, ROOT_INODE, type Inode } from './inode.js';
import { parseSuperblock, SUPERBLOCK, type Superblock } from './superblock.js';
import { Volume } from './volume.js';

/** i_block holds shorter targets itself. */
const FAST_LINK = 60;

/**
 * Opens an ext2, ext3 or ext4 file system that begins at the image's first byte. It stays usable as long as
 * the source is open, and does not close it. An unclean one is read as it stands: its journal is not replayed.
 *
 * Throws EXT4_NONE, EXT4_UNSUPPORTED (naming the features) or EXT4_CORRUPT where nothing can be read.
 */
export async function openExt4(source: BlockSource): Promise<Ext4> {
  if (source.size < SUPERBLOCK.offset + SUPERBLOCK.length) {
    throw new GvaError(
      'EXT4_NONE',
      `an image of ${source.size} bytes holds no ext2, ext3 or ext4 file system`,
    );
  }
  const findings = new Findings();
  const report: Report = (code, message) => findings.add(code, () => '', message);
  const superblock = parseSuperblock(await source.read(SUPERBLOCK.offset, SUPERBLOCK.length), report);
  const volume = new Volume(source, superblock);
  if (volume.blocks < superblock.blocks) {
    report('EXT4_TRUNCATED', `${superblock.blocks} blocks are claimed, the image has ${volume.blocks}`);
  }
  return new Ext4(volume, await readInode(volume, ROOT_INODE, report), findings);
}

/** An open file system. Methods without a `report` add what they find to `findings`. */
export class Ext4 implements FileTree<Inode> {
  readonly root: Inode;
  readonly #volume: Volume;
  readonly #findings: Findings;

  /** By `openExt4` only. */
  constructor(volume: Volume, root: Inode, findings: Findings) {
    if (root.kind !== 'directory')
      throw new GvaError('EXT4_CORRUPT', 'the root of the file system is no directory');
    this.#volume = volume;
    this.#findings = findings;
    this.root = root;
  }

  get superblock(): Superblock {
    return this.#volume.superblock;
  }

  get label(): string {
    return this.superblock.label;
  }

  get uuid(): string {
    return this.superblock.uuid;
  }

  /** Bytes. */
  get blockSize(): number {
    return this.superblock.blockSize;
  }

  /** Blocks, as claimed. */
  get freeBlocks(): number {
    return this.superblock.freeBlocks;
  }

  get size(): number {
    return this.#volume.blocks * this.#volume.blockSize;
  }

  get findings(): readonly Finding[] {
    return this.#findings.list;
  }

  stat(id: number, report: Report = this.#reportFor(id)): Promise<Inode> {
    return readInode(this.#volume, id, report);
  }

  readDirectory(
    directory: Inode,
    report: Report = this.#reportFor(directory.id),
  ): AsyncGenerator<DirectoryEntry[]> {
    checkReadable(directory, 'directory');
    return directoryEntries(this.#volume, directory, report);
  }

  readFile(file: Inode, report: Report = this.#reportFor(file.id)): AsyncGenerator<FilePiece | undefined> {
    checkReadable(file, 'file');
    return contents(this.#volume, file, report);
  }

  /** At most one block: EXT4_SYMLINK beyond that. */
  async readLink(link: Inode, report: Report = this.#reportFor(link.id)): Promise<Buffer> {
    checkReadable(link, 'symlink');
    if (link.size > this.blockSize)
      throw new GvaError('EXT4_SYMLINK', `a symbolic link of ${link.size} bytes`);
    const own = link.size < FAST_LINK && !(link.flags & (InodeFlag.extents | InodeFlag.inlineData));
    return own ? Buffer.from(link.map.subarray(0, link.size)) : this.#readWhole(link, report);
  }

  /** The inode at a path from the root. Symbolic links are not followed. Throws EXT4_NOT_FOUND. */
  async lookup(path: string | Buffer): Promise<Inode> {
    const bytes = typeof path === 'string' ? Buffer.from(path, 'utf8') : path;
    let inode = this.root;
    // latin1 maps bytes to characters one to one
    for (const name of bytes.toString('latin1').split('/')) {
      if (name !== '' && name !== '.') inode = await this.#child(inode, Buffer.from(name, 'latin1'));
    }
    return inode;
  }

  async #child(directory: Inode, name: Buffer): Promise<Inode> {
    if (directory.kind === 'directory') {
      for await (const entries of this.readDirectory(directory)) {
        const entry = entries.find((candidate) => candidate.name.equals(name));
        if (entry) return this.stat(entry.id);
      }
    }
    throw new GvaError('EXT4_NOT_FOUND', `there is no ${name.toString('utf8')} in the file system`);
  }

  /** A whole small file, its holes as zeros. Throws EXT4_TOO_LARGE beyond `limit` bytes. */
  async readFileBytes(path: string | Buffer, limit: number): Promise<Buffer> {
    const file = await this.lookup(path);
    if (file.size > limit)
      throw new GvaError('EXT4_TOO_LARGE', `the file has ${file.size} bytes, more than ${limit}`);
    checkReadable(file, 'file');
    return this.#readWhole(file, this.#reportFor(file.id));
  }

  /** Every object below the root, parents before children; names are raw and may be evil. */
  list(options: ListOptions<Inode> = {}): AsyncGenerator<ListedEntry<Inode>> {
    return listTree(this, this.#findings, options);
  }

  async #readWhole(inode: Inode, report: Report): Promise<Buffer> {
    const whole = Buffer.alloc(inode.size);
    for await (const piece of contents(this.#volume, inode, report)) piece?.data.copy(whole, piece.offset);
    return whole;
  }

  #reportFor(id: number): Report {
    return (code, message) => this.#findings.add(code, () => '', `inode ${id}: ${message}`);
  }
}

function checkReadable(inode: Inode, kind: Inode['kind']): void {
  if (inode.kind !== kind)
    throw new GvaError('EXT4_KIND', `inode ${inode.id} is a ${inode.kind}, not a ${kind}`);
}
