import { contentSize } from '../medium-entry.js';
import type { FileNode } from '../medium-tree.js';
import type { DirectoryPlan } from './directory.js';
import {
  clusterSize,
  defaultRootEntries,
  entrySize,
  fat16Geometry,
  fat32Geometry,
  floppyGeometry,
  floppySize,
  sectorSize,
  type Geometry,
} from './geometry.js';

export type FatType = 'floppy' | 'fat16' | 'fat32' | 'auto';

/** What a volume has to hold. */
export interface Contents {
  directories: readonly DirectoryPlan[];
  files: readonly FileNode[];
}

const mebibyte = 1024 * 1024;
/** From here on the specification's tables change to FAT32. */
const fat32From = 512 * mebibyte;
/** Root entries come in whole sectors. */
const entriesPerSector = sectorSize / entrySize;

/**
 * The geometry of a medium of the given size, or of the smallest whole number of MiB that holds the contents.
 * Of a given size it need not hold them. Returns a reason where there is no such medium.
 */
export function chooseGeometry(
  type: FatType,
  size: number | undefined,
  contents: Contents,
): Geometry | string {
  if (size === undefined) return fittedGeometry(type, contents);
  if (!Number.isSafeInteger(size) || size <= 0 || size % sectorSize !== 0) {
    return `the size ${size} is not a positive multiple of ${sectorSize} bytes`;
  }
  const chosen = type === 'auto' ? typeForSize(size) : type;
  const geometry = geometryOf(chosen, size, contents);
  return geometry ?? `the size of ${size} bytes is not possible for ${nameOf(chosen)}`;
}

/** Clusters that the contents take. */
export function clustersNeeded(geometry: Geometry, { directories, files }: Contents): number {
  const bytes = clusterSize(geometry);
  const own = geometry.width === 32 ? directories : directories.slice(1);
  const ofDirectories = own.reduce((sum, { entries }) => sum + Math.ceil((entries * entrySize) / bytes), 0);
  return files.reduce((sum, { content }) => sum + Math.ceil(contentSize(content) / bytes), ofDirectories);
}

/** Whether all of the contents fit. */
export function holds(geometry: Geometry, contents: Contents): boolean {
  const rootFits = geometry.width === 32 || (contents.directories[0]?.entries ?? 0) <= geometry.rootEntries;
  return rootFits && clustersNeeded(geometry, contents) <= geometry.clusters;
}

function typeForSize(size: number): Exclude<FatType, 'auto'> {
  if (size === floppySize) return 'floppy';
  return size < fat32From ? 'fat16' : 'fat32';
}

function geometryOf(
  type: Exclude<FatType, 'auto'>,
  size: number,
  { directories }: Contents,
): Geometry | undefined {
  const sectors = size / sectorSize;
  if (type === 'floppy') return size === floppySize ? floppyGeometry : undefined;
  if (type === 'fat32') return fat32Geometry(sectors);
  const entries = Math.ceil((directories[0]?.entries ?? 0) / entriesPerSector) * entriesPerSector;
  return fat16Geometry(sectors, Math.min(Math.max(entries, defaultRootEntries), 0xfff0));
}

function fittedGeometry(type: FatType, contents: Contents): Geometry | string {
  if (type === 'floppy') return floppyGeometry;
  if (type === 'auto') {
    if (holds(floppyGeometry, contents)) return floppyGeometry;
    const small = grow('fat16', contents, fat32From);
    return small ?? fittedGeometry('fat32', contents);
  }
  const limit = (type === 'fat16' ? 2048 : 2 * 1024 * 1024) * mebibyte;
  return grow(type, contents, limit) ?? `the entries are too much for ${nameOf(type)} of any size`;
}

/** The smallest medium, in steps of one MiB, that holds the contents and is smaller than `limit` bytes. */
function grow(type: 'fat16' | 'fat32', contents: Contents, limit: number): Geometry | undefined {
  const bytes = contents.files.reduce((sum, { size }) => sum + size, 0);
  let size = Math.ceil((bytes + 1) / mebibyte) * mebibyte;
  while (size < limit) {
    const geometry = geometryOf(type, size, contents);
    if (geometry !== undefined && holds(geometry, contents)) return geometry;
    const missing =
      geometry === undefined
        ? 0
        : (clustersNeeded(geometry, contents) - geometry.clusters) * clusterSize(geometry);
    size += Math.max(1, Math.floor(missing / mebibyte)) * mebibyte;
  }
  return undefined;
}

function nameOf(type: Exclude<FatType, 'auto'>): string {
  return type === 'floppy' ? `a floppy (${floppySize} bytes)` : `a ${type.toUpperCase()} medium`;
}
