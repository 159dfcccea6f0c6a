import { GvaError } from '../../system/errors.js';
import type { Report } from '../findings.js';
import { type NodeKind, type TreeNode, nodeKinds } from '../tree.js';
import { sectorSize } from './fields.js';
import { FileFlag, isDirectory, type DirectoryRecord, type Extent } from './read-record.js';
import { readRockRidge, type RockRidge } from './read-rock-ridge.js';
import type { IsoVolume, ReadHierarchy } from './read-volume.js';

export interface IsoNode extends TreeNode {
  /** In the order of the file; not checked against the image. */
  readonly extents: readonly Extent[];
  /** Byte offset of the record in the image. */
  readonly record: number;
  readonly interleaved: boolean;
}

/** Of files and directories where Rock Ridge does not tell. */
const plainModes = { file: 0o644, directory: 0o755 } as const;
/** Where nothing counts the names of a file it may have several: writers store equal files once. */
const uncountedLinks = 2;
/** Linux gives up on a file of more (isofs_read_level3_size). */
const maxSections = 100;

/** The node of a record. */
export async function describe(
  { volume, skip }: ReadHierarchy,
  record: DirectoryRecord,
  report: Report,
): Promise<IsoNode> {
  const rock = skip === undefined ? undefined : await readRockRidge(volume, record, skip, report);
  if (rock?.childBlock !== undefined) return relocated(volume, record, rock, rock.childBlock);
  const kind = kindOf(record, rock, report);
  if (rock?.compressed && kind === 'file') report('ISO_COMPRESSED', 'compressed by mkzftree: left as it is');
  const extents =
    kind === 'file' && record.flags & FileFlag.continues
      ? await sections(volume, record, report)
      : [record.extent];
  return node(volume, record, rock, kind, extents);
}

function node(
  volume: IsoVolume,
  record: DirectoryRecord,
  rock: RockRidge | undefined,
  kind: NodeKind,
  extents: readonly Extent[],
): IsoNode {
  const size = extents.reduce((sum, { length }) => sum + length, 0);
  const links = rock?.posix?.links ?? (rock ? 1 : uncountedLinks);
  return {
    id: identity(volume, { record, kind, links, size }, extents),
    kind,
    permissions:
      (rock?.posix?.mode ?? (kind === 'directory' ? plainModes.directory : plainModes.file)) & 0o7777,
    uid: rock?.posix?.uid ?? 0,
    gid: rock?.posix?.gid ?? 0,
    size: kind === 'symlink' ? (rock?.target?.length ?? 0) : size,
    links,
    mtime: rock?.mtime ?? record.recorded,
    extents,
    record: record.at,
    interleaved: record.interleaved,
  };
}

/**
 * There are no inodes. A directory is its extent, so that one with two names is known. A file is its record; names
 * that may be links and have one extent are one file. What is even is a record, what is odd an extent.
 */
function identity(
  volume: IsoVolume,
  { record, kind, links, size }: Pick<IsoNode, 'kind' | 'links' | 'size'> & { record: DirectoryRecord },
  [first]: readonly Extent[],
): number {
  if (kind === 'directory') return 2 * (first?.at ?? 0) + 1;
  const linked = kind === 'file' && links > 1 && size > 0 && first !== undefined;
  return 2 * (linked ? volume.firstRecord({ at: first.at, length: size }, record.at) : record.at);
}

function kindOf(record: DirectoryRecord, rock: RockRidge | undefined, report: Report): NodeKind {
  const recorded = isDirectory(record) ? 'directory' : 'file';
  if (!rock?.posix) return recorded;
  const kind = nodeKinds[rock.posix.mode >>> 12] ?? 'unknown';
  if ((kind === 'directory') === (recorded === 'directory')) return kind;
  report('ISO_DIRECTORY', `by its mode a ${kind}, by its record a ${recorded}: taken as the latter`);
  return recorded;
}

/** The directory that CL leads to (RRIP 1.12, 4.1.5.1): only its own record tells its length. */
async function relocated(
  volume: IsoVolume,
  record: DirectoryRecord,
  rock: RockRidge,
  block: number,
): Promise<IsoNode> {
  const at = block * volume.hierarchy.blockSize;
  const dot = await volume.readRecord(at);
  if (!dot || !isDirectory(dot)) {
    throw new GvaError('ISO_DIRECTORY', `there is no directory at block ${block}, where it is said to lie`);
  }
  const extent = { at, length: dot.extent.length };
  return node(volume, { ...record, extent }, rock, 'directory', [extent]);
}

/** The extents of a file of several sections, one record behind the other with one identifier (ECMA-119 6.5.1). */
async function sections(volume: IsoVolume, first: DirectoryRecord, report: Report): Promise<Extent[]> {
  const extents = [first.extent];
  let record = first;
  while (record.flags & FileFlag.continues) {
    const next = await nextRecord(volume, record);
    if (!next?.identifier.equals(first.identifier) || isDirectory(next) || extents.length >= maxSections) {
      report('ISO_SECTIONS', `of its sections only ${extents.length} are there or taken`);
      break;
    }
    extents.push(next.extent);
    record = next;
  }
  return extents;
}

/** The record behind another, in the same sector or at the beginning of the next. */
async function nextRecord(
  volume: IsoVolume,
  { at, length }: DirectoryRecord,
): Promise<DirectoryRecord | undefined> {
  const behind = at + length;
  const within = behind % sectorSize;
  return (
    (within === 0 ? undefined : await volume.readRecord(behind)) ??
    volume.readRecord(behind - within + (within === 0 ? 0 : sectorSize))
  );
}
