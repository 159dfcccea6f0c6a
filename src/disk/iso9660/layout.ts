import type { Image } from '../image-file.js';
import { defaultMediumDate, type MediumEntry } from '../medium-entry.js';
import { buildMediumTree, mediumError, MediumProblems, type FileNode } from '../medium-tree.js';
import { checkVolume, findUnstorable } from './check.js';
import { recordLength, recordOffset, writeRecord } from './directory-record.js';
import { recordingDate, sectorsFor, sectorSize } from './fields.js';
import { jolietNamer, planHierarchy, primaryNamer, type DirectoryPlan } from './hierarchy.js';
import { pathTableLength, writePathTable } from './path-table.js';
import { addRockRidge } from './rock-ridge-records.js';
import { writeJolietDescriptor, writePrimaryDescriptor, writeTerminator } from './volume-descriptor.js';

export interface IsoOptions {
  /** At most 32 printable ASCII characters; Joliet shows the first 16. */
  volumeId: string;
  /** Date of the volume and of everything in it. */
  date?: Date;
}

const medium = 'ISO 9660 medium';
/** Sectors are counted in 32 bits (ECMA-119 8.4.8). */
const maxSectors = 2 ** 32 - 1;
/** The system area, 16 sectors, is left to boot loaders (ECMA-119 6.2.1). */
const primaryDescriptorSector = 16;
const jolietDescriptorSector = 17;
const terminatorSector = 18;
const pathTablesSector = 19;
/**
 * busybox's findfs looks for other file systems first, up to 68 KiB into the volume, and gives up on one that
 * is shorter.
 */
const minSectors = 64;

interface Hierarchy {
  directories: DirectoryPlan[];
  pathTable: { length: number; littleEndianSector: number; bigEndianSector: number };
}

/**
 * Lays out a volume: descriptors, path tables, continuation area, directories, data. A file's data are there once,
 * for both hierarchies. There is no padding for drives that read a track written at once.
 *
 * @throws GvaError MEDIUM_ENTRY naming everything that cannot be stored
 */
export function layoutIso(entries: readonly MediumEntry[], options: IsoOptions): Image {
  const date = options.date ?? defaultMediumDate;
  const problems = new MediumProblems();
  checkVolume(options.volumeId, date, problems);
  const root = buildMediumTree(entries, problems);
  findUnstorable(root, problems);
  problems.throwIfAny(medium);

  let next = pathTablesSector;
  const allocate = (sectors: number): number => {
    const start = next;
    next += sectors;
    return start;
  };
  const primary = addPathTables(planHierarchy(root, primaryNamer), allocate);
  const joliet = addPathTables(planHierarchy(root, jolietNamer), allocate);
  const recorded = recordingDate(date);
  const continuations = addRockRidge(primary.directories, recorded, next);
  const continuationSector = allocate(continuations.length);
  placeDirectories(primary.directories, allocate);
  placeDirectories(joliet.directories, allocate);
  const headSectors = next;
  const sectorOf = placeFiles(primary.directories, allocate);

  if (next > maxSectors)
    throw mediumError(medium, ['all files together are more than the 8 TiB of a volume']);

  const head = Buffer.alloc(headSectors * sectorSize);
  for (const [index, sector] of continuations.entries())
    sector.copy(head, (continuationSector + index) * sectorSize);
  writeHierarchy(head, primary, recorded, sectorOf);
  writeHierarchy(head, joliet, recorded, sectorOf);
  const sectors = Math.max(next, minSectors);
  const volume = { volumeId: options.volumeId, date, sectors };
  writePrimaryDescriptor(head, primaryDescriptorSector * sectorSize, { ...volume, ...volumeFields(primary) });
  writeJolietDescriptor(head, jolietDescriptorSector * sectorSize, { ...volume, ...volumeFields(joliet) });
  writeTerminator(head, terminatorSector * sectorSize);
  const files = [...sectorOf].map(([{ content }, sector]) => ({ offset: sector * sectorSize, content }));
  return { size: sectors * sectorSize, parts: [{ offset: 0, content: head }, ...files] };
}

type Allocate = (sectors: number) => number;

function addPathTables(directories: DirectoryPlan[], allocate: Allocate): Hierarchy {
  const length = pathTableLength(directories);
  const sectors = sectorsFor(length);
  return {
    directories,
    pathTable: { length, littleEndianSector: allocate(sectors), bigEndianSector: allocate(sectors) },
  };
}

function placeDirectories(directories: readonly DirectoryPlan[], allocate: Allocate): void {
  for (const directory of directories) {
    let length = 0;
    for (const record of directory.records) {
      const ofRecord = recordLength(record);
      length = recordOffset(length, ofRecord) + ofRecord;
    }
    const sectors = sectorsFor(length);
    directory.sector = allocate(sectors);
    directory.length = sectors * sectorSize;
  }
}

function placeFiles(directories: readonly DirectoryPlan[], allocate: Allocate): Map<FileNode, number> {
  const sectorOf = new Map<FileNode, number>();
  for (const { records } of directories) {
    for (const { target } of records) {
      if (!('kind' in target) || target.kind !== 'file') continue;
      sectorOf.set(target, target.size === 0 ? 0 : allocate(sectorsFor(target.size)));
    }
  }
  return sectorOf;
}

function writeHierarchy(
  head: Buffer,
  { directories, pathTable }: Hierarchy,
  date: Buffer,
  sectorOf: ReadonlyMap<FileNode, number>,
): void {
  writePathTable(head, pathTable.littleEndianSector * sectorSize, directories, 'little');
  writePathTable(head, pathTable.bigEndianSector * sectorSize, directories, 'big');
  for (const directory of directories) {
    const start = directory.sector * sectorSize;
    let used = 0;
    for (const record of directory.records) {
      used = recordOffset(used, recordLength(record));
      used += writeRecord(head, start + used, { ...record, ...extentOf(record.target, sectorOf), date });
    }
  }
}

/** Empty files and symbolic links have no sectors; their location is 0, which no reader looks at. */
function extentOf(
  target: DirectoryPlan['records'][number]['target'],
  sectorOf: ReadonlyMap<FileNode, number>,
): { sector: number; length: number; isDirectory: boolean } {
  if (!('kind' in target)) return { sector: target.sector, length: target.length, isDirectory: true };
  const sector = target.kind === 'file' ? sectorOf.get(target) : undefined;
  const length = target.kind === 'file' ? target.size : 0;
  return { sector: sector ?? 0, length, isDirectory: false };
}

function volumeFields({ directories, pathTable }: Hierarchy): {
  root: { sector: number; length: number };
  pathTable: Hierarchy['pathTable'];
} {
  const root = directories[0] ?? { sector: 0, length: 0 };
  return { root: { sector: root.sector, length: root.length }, pathTable };
}
