import { createHash } from 'node:crypto';
import type { Image, ImagePart } from '../image-file.js';
import { defaultMediumDate, type MediumEntry } from '../medium-entry.js';
import { buildMediumTree, mediumError, MediumProblems, type FileNode } from '../medium-tree.js';
import { allocationTable, type Run } from './allocation-table.js';
import { mediaType, reservedSectors } from './boot-sector.js';
import { checkVolume, findUnstorable } from './check.js';
import { chooseGeometry, type Contents, type FatType } from './choose-geometry.js';
import { directoryBytes, planDirectories, type DirectoryPlan, type Target } from './directory.js';
import {
  clusterSize,
  dataSector,
  entrySize,
  fatCopies,
  firstCluster,
  sectorSize,
  type Geometry,
} from './geometry.js';

export interface FatOptions {
  /** 1 to 11 characters that a short name may have, or spaces. */
  label: string;
  /** Size of the medium in bytes; by default as small as its type allows. */
  size?: number;
  /** By default a floppy where that is enough or its size is given, then FAT16, from 512 MiB on FAT32. */
  type?: FatType;
  /** Date of everything; FAT knows no time zone, it is stored as UTC. */
  date?: Date;
  /** Sectors before the volume on its disk: where its partition begins; 0 where it has the whole medium. */
  firstSector?: number;
}

const medium = 'FAT medium';
/** A directory may have 65,536 entries (Microsoft's drivers count them in 16 bits). */
const maxDirectoryEntries = 65_536;

/**
 * Lays out a volume: reserved sectors, allocation tables, root directory, then the clusters of directories and
 * files, each in one run. The volume begins at the first sector: there is no partition table.
 *
 * @throws GvaError MEDIUM_ENTRY naming everything that cannot be stored
 */
export function layoutFat(entries: readonly MediumEntry[], options: FatOptions): Image {
  const problems = new MediumProblems();
  const date = options.date ?? defaultMediumDate;
  checkVolume(options.label, date, problems);
  const root = buildMediumTree(entries, problems);
  findUnstorable(root, problems);
  problems.throwIfAny(medium);

  const contents = contentsOf(planDirectories(root));
  const geometry = chooseGeometry(options.type ?? 'auto', options.size, contents);
  if (typeof geometry === 'string') throw mediumError(medium, [geometry]);
  const runs = allocate(geometry, contents, problems);
  problems.throwIfAny(medium);
  return assemble(geometry, contents, runs, { ...options, date });
}

function contentsOf(directories: readonly DirectoryPlan[]): Contents {
  const files: FileNode[] = [];
  for (const { target } of directories.flatMap(({ children }) => children)) {
    if ('kind' in target) files.push(target);
  }
  return { directories, files };
}

/** Gives clusters to everything that needs some; what finds no room becomes a problem. */
function allocate(geometry: Geometry, contents: Contents, problems: MediumProblems): Map<Target, Run> {
  const runs = new Map<Target, Run>();
  const bytes = clusterSize(geometry);
  let next = firstCluster;
  const take = (target: Target, path: string, size: number): void => {
    const length = Math.ceil(size / bytes);
    if (length === 0) return;
    const free = geometry.clusters + firstCluster - next;
    if (length > free) {
      problems.add(path, `its ${size} bytes do not fit into the ${free * bytes} bytes that are left`);
      return;
    }
    runs.set(target, { start: next, length });
    next += length;
  };
  for (const directory of contents.directories) {
    const isFixedRoot = directory.parent === undefined && geometry.width !== 32;
    const limit = isFixedRoot ? geometry.rootEntries : maxDirectoryEntries;
    if (directory.entries > limit) {
      const reason = `needs ${directory.entries} entries, and can have ${limit}`;
      if (directory.parent === undefined) problems.addGeneral(`the root directory ${reason}`);
      else problems.add(directory.node.path, `the directory ${reason}`);
    } else if (!isFixedRoot) {
      take(directory, directory.node.path, directory.entries * entrySize);
    }
  }
  for (const file of contents.files) take(file, file.path, file.size);
  return runs;
}

function assemble(
  geometry: Geometry,
  { directories, files }: Contents,
  runs: ReadonlyMap<Target, Run>,
  options: FatOptions & { date: Date },
): Image {
  const label = Buffer.from(options.label.padEnd(11), 'latin1');
  const table = allocationTable(geometry.width, mediaType(geometry), [...runs.values()]);
  const tableSector = (copy: number): number => geometry.reservedSectors + copy * geometry.fatSectors;
  const clusterOf = (target: Target): number => runs.get(target)?.start ?? 0;
  const offsetOf = (target: Target): number => {
    const run = runs.get(target);
    if (run === undefined) return tableSector(fatCopies) * sectorSize; // the root of FAT12 and FAT16
    return dataSector(geometry) * sectorSize + (run.start - firstCluster) * clusterSize(geometry);
  };
  const facts = { clusterOf, date: options.date, label };
  const parts: ImagePart[] = [
    ...[0, 1].map((copy) => ({ offset: tableSector(copy) * sectorSize, content: table })),
    ...directories.map((plan) => ({ offset: offsetOf(plan), content: directoryBytes(plan, facts) })),
    ...files.map((file) => ({ offset: offsetOf(file), content: file.content })),
  ];
  const usedClusters = [...runs.values()].reduce((sum, { length }) => sum + length, 0);
  const fields = { geometry, serial: serialOf(parts), label, usedClusters };
  const content = reservedSectors({ ...fields, firstSector: options.firstSector ?? 0 });
  return { size: geometry.sectors * sectorSize, parts: [{ offset: 0, content }, ...parts] };
}

/**
 * Serial number by which DOS and Windows notice another medium in the drive: from everything on it but the bytes
 * of source files.
 */
function serialOf(parts: readonly ImagePart[]): number {
  const hash = createHash('sha256');
  for (const { content } of parts) if (content instanceof Uint8Array) hash.update(content);
  return hash.digest().readUInt32LE(0);
}
