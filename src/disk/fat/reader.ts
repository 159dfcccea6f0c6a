import { GvaError } from '../../system/errors.js';
import { Findings, type Finding, type Report } from '../findings.js';
import type { BlockSource } from '../source.js';
import { pieces, readStretches, type Stretch } from '../stretches.js';
import type { DirectoryEntry, FilePiece, FileTree } from '../tree.js';
import { readGeometry } from './read-boot-sector.js';
import { chainRuns } from './read-chain.js';
import { directoryEntries } from './read-directory.js';
import { readNode, rootNode, type FatNode } from './read-node.js';
import { FatVolume } from './read-volume.js';
import type { FatWidth } from './geometry.js';

export type { FatNode } from './read-node.js';

/**
 * Opens a FAT12, FAT16 or FAT32 file system that begins at the image's first byte. It stays usable as long as the
 * source is open, and does not close it.
 *
 * @throws GvaError FAT_NONE, FAT_CORRUPT
 */
export async function openFat(source: BlockSource): Promise<Fat> {
  const findings = new Findings();
  const geometry = await readGeometry(source, (code, message) => findings.add(code, () => '', message));
  return new Fat(new FatVolume(source, geometry), findings);
}

/** An open file system. Methods without a `report` add what they find to `findings`. */
export class Fat implements FileTree<FatNode> {
  readonly root: FatNode;
  readonly #volume: FatVolume;
  readonly #findings: Findings;

  /** By `openFat` only. */
  constructor(volume: FatVolume, findings: Findings) {
    this.root = rootNode(volume);
    this.#volume = volume;
    this.#findings = findings;
  }

  /** Bits of an entry of the allocation table. */
  get width(): FatWidth {
    return this.#volume.geometry.width;
  }

  get size(): number {
    return Math.min(this.#volume.geometry.size, this.#volume.source.size);
  }

  get label(): string {
    return this.#volume.geometry.label;
  }

  get findings(): readonly Finding[] {
    return this.#findings.list;
  }

  stat(id: number): Promise<FatNode> {
    return readNode(this.#volume, id);
  }

  readDirectory(directory: FatNode, report: Report = this.#report): AsyncGenerator<DirectoryEntry[]> {
    if (directory.kind !== 'directory')
      throw new GvaError('FAT_KIND', `a ${directory.kind}, not a directory`);
    return directoryEntries(this.#volume, directory, report);
  }

  readFile(file: FatNode, report: Report = this.#report): AsyncGenerator<FilePiece | undefined> {
    if (file.kind !== 'file') throw new GvaError('FAT_KIND', `a ${file.kind}, not a file`);
    const { source, geometry } = this.#volume;
    const stretches = stretchesOf(this.#volume, file, report);
    return readStretches({ source, blockSize: geometry.clusterSize, size: file.size, stretches }, report);
  }

  readLink(): Promise<Buffer> {
    return Promise.reject(new GvaError('FAT_KIND', 'FAT has no symbolic links'));
  }

  readonly #report: Report = (code, message) => this.#findings.add(code, () => '', message);
}

/** The clusters of a file, cut to its size; undefined where following the chain took a while. */
async function* stretchesOf(
  volume: FatVolume,
  { id, first, size }: FatNode,
  report: Report,
): AsyncGenerator<Stretch | undefined> {
  const { clusterSize } = volume.geometry;
  const chain = { id, first, limit: Math.ceil(size / clusterSize), exact: true };
  for await (const runs of chainRuns(volume, chain, report)) {
    if (runs.length === 0) yield undefined;
    for (const { index, cluster, count } of runs) {
      const offset = index * clusterSize;
      yield* pieces({
        offset,
        at: volume.offsetOf(cluster),
        length: Math.min(count * clusterSize, size - offset),
      });
    }
  }
}
