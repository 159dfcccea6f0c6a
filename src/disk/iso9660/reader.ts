import { GvaError } from '../../system/errors.js';
import { Findings, type Finding, type Report } from '../findings.js';
import type { BlockSource } from '../source.js';
import { pieces, readStretches, type Stretch } from '../stretches.js';
import type { DirectoryEntry, FilePiece, FileTree } from '../tree.js';
import { sectorSize } from './fields.js';
import { directoryEntries } from './read-directory.js';
import { describe, type IsoNode } from './read-node.js';
import { findRockRidge, readRockRidge } from './read-rock-ridge.js';
import { IsoVolume, readHierarchies, type ReadHierarchy } from './read-volume.js';

export type { IsoNode } from './read-node.js';

/** How names and attributes are told. */
export type IsoFlavour = 'rock-ridge' | 'joliet' | 'plain';

/**
 * Opens an ISO 9660 volume that begins at the image's first byte: with Rock Ridge where there is some, else with
 * Joliet, else with the plain names. It stays usable as long as the source is open, and does not close it.
 *
 * @throws GvaError ISO_NONE, ISO_CORRUPT
 */
export async function openIso(source: BlockSource): Promise<Iso9660> {
  const hierarchies = await readHierarchies(source);
  const volumes = hierarchies.map((hierarchy) => new IsoVolume(source, hierarchy));
  const [first] = volumes;
  const skip = first && !first.hierarchy.joliet ? await findRockRidge(first) : undefined;
  const joliet = volumes.find(({ hierarchy }) => hierarchy.joliet);
  const volume = skip === undefined ? (joliet ?? first) : first;
  if (!volume) throw new GvaError('ISO_CORRUPT', 'the ISO 9660 volume has no usable descriptor');
  const findings = new Findings();
  const { size, root } = volume.hierarchy;
  if (size > source.size) {
    findings.add('ISO_TRUNCATED', () => '', `${size} bytes are claimed, the image has ${source.size}`);
  }
  const names = { volume, skip };
  const node = await describe(names, root, (code, message) => findings.add(code, () => '', message));
  return new Iso9660(names, { ...node, kind: 'directory' }, findings);
}

/** An open volume. Methods without a `report` add what they find to `findings`. */
export class Iso9660 implements FileTree<IsoNode> {
  readonly root: IsoNode;
  readonly #hierarchy: ReadHierarchy;
  readonly #findings: Findings;

  /** By `openIso` only. */
  constructor(hierarchy: ReadHierarchy, root: IsoNode, findings: Findings) {
    this.#hierarchy = hierarchy;
    this.root = root;
    this.#findings = findings;
  }

  get size(): number {
    return this.#hierarchy.volume.source.size;
  }

  get label(): string {
    return this.#hierarchy.volume.hierarchy.label;
  }

  get flavour(): IsoFlavour {
    if (this.#hierarchy.skip !== undefined) return 'rock-ridge';
    return this.#hierarchy.volume.hierarchy.joliet ? 'joliet' : 'plain';
  }

  get findings(): readonly Finding[] {
    return this.#findings.list;
  }

  async stat(id: number, report: Report = this.#report): Promise<IsoNode> {
    const record = await this.#hierarchy.volume.readRecord(id);
    if (!record) throw new GvaError('ISO_DIRECTORY', `there is no directory record at byte ${id}`);
    return describe(this.#hierarchy, record, report);
  }

  readDirectory(directory: IsoNode, report: Report = this.#report): AsyncGenerator<DirectoryEntry[]> {
    checkKind(directory, 'directory');
    return directoryEntries(this.#hierarchy, directory, report);
  }

  readFile(file: IsoNode, report: Report = this.#report): AsyncGenerator<FilePiece | undefined> {
    checkKind(file, 'file');
    if (file.interleaved) {
      throw new GvaError('ISO_INTERLEAVED', 'the contents are interleaved with gaps: not read');
    }
    const { volume } = this.#hierarchy;
    const stretches = stretchesOf(volume, file, report);
    return readStretches(
      { source: volume.source, blockSize: sectorSize, size: file.size, stretches },
      report,
    );
  }

  async readLink(link: IsoNode): Promise<Buffer> {
    checkKind(link, 'symlink');
    const { volume, skip = 0 } = this.#hierarchy;
    const record = await volume.readRecord(link.record);
    // What is wrong with the attributes was reported with the node.
    const rock = record && (await readRockRidge(volume, record, skip, () => undefined));
    return rock?.target ?? Buffer.alloc(0);
  }

  readonly #report: Report = (code, message) => this.#findings.add(code, () => '', message);
}

function checkKind(node: IsoNode, kind: IsoNode['kind']): void {
  if (node.kind !== kind) throw new GvaError('ISO_KIND', `a ${node.kind}, not a ${kind}`);
}

/** The extents of a file one behind the other, as far as the image has them. */
// eslint-disable-next-line @typescript-eslint/require-await -- of an asynchronous interface
async function* stretchesOf(
  volume: IsoVolume,
  { extents }: IsoNode,
  report: Report,
): AsyncGenerator<Stretch> {
  let offset = 0;
  for (const extent of extents) {
    const length = volume.readable(extent);
    if (length < extent.length) {
      report('ISO_EXTENT', `bytes ${extent.at}+${extent.length} of the file are not in the image`);
    }
    yield* pieces({ offset, at: extent.at, length });
    offset += extent.length;
  }
}
