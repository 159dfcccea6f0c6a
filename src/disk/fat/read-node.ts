import { GvaError } from '../../system/errors.js';
import type { TreeNode } from '../tree.js';
import { entrySize } from './geometry.js';
import { Attribute, firstClusterOf } from './read-directory.js';
import type { FatVolume } from './read-volume.js';

export interface FatNode extends TreeNode {
  /** First cluster as claimed; 0 where there is none. */
  readonly first: number;
  readonly isRoot: boolean;
  /** The root of FAT12 and FAT16, which is no chain. */
  readonly isFixedRoot: boolean;
}

/** FAT has no owners and no modes, only a mark for what may not be written. */
const modes = { file: 0o644, readOnly: 0o444, directory: 0o755 } as const;
const noOwner = { uid: 0, gid: 0, links: 1 } as const;

export function rootNode({ geometry }: FatVolume): FatNode {
  const first = geometry.rootCluster;
  const isFixedRoot = geometry.fixedRoot !== undefined;
  const id = -first;
  const isRoot = true;
  return {
    id,
    kind: 'directory',
    permissions: modes.directory,
    ...noOwner,
    size: 0,
    mtime: 0,
    first,
    isRoot,
    isFixedRoot,
  };
}

/**
 * The node of the entry at a byte offset of the image. A file is known by its entry, a directory by its first
 * cluster, so that one with two names is known; as a negative number.
 *
 * @throws GvaError FAT_DIRECTORY where there can be no entry
 */
export async function readNode(volume: FatVolume, at: number): Promise<FatNode> {
  if (!(at > 0)) throw new GvaError('FAT_DIRECTORY', `there is no directory entry at byte ${at}`);
  const entry = await volume.read(at, entrySize);
  const attributes = entry.readUInt8(11);
  const isDirectory = (attributes & Attribute.directory) !== 0;
  const first = firstClusterOf(entry, volume.geometry.width === 32);
  const fileMode = attributes & Attribute.readOnly ? modes.readOnly : modes.file;
  return {
    id: isDirectory && first !== 0 ? -first : at,
    kind: isDirectory ? 'directory' : 'file',
    permissions: isDirectory ? modes.directory : fileMode,
    ...noOwner,
    size: isDirectory ? 0 : entry.readUInt32LE(28),
    mtime: parseDate(entry.readUInt16LE(24), entry.readUInt16LE(22)),
    first,
    isRoot: false,
    isFixedRoot: false,
  };
}

/** Seconds since 1970 (FAT specification, "Date and Time Formats"); FAT has no time zone, UTC is assumed. */
function parseDate(date: number, time: number): number {
  const day = Date.UTC(1980 + (date >> 9), Math.max((date >> 5) & 15, 1) - 1, Math.max(date & 31, 1));
  return day / 1000 + (time >> 11) * 3600 + ((time >> 5) & 63) * 60 + (time & 31) * 2;
}
