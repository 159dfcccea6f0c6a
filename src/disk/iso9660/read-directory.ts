import { GvaError } from '../../system/errors.js';
import { printable, type Report } from '../findings.js';
import type { DirectoryEntry } from '../tree.js';
import { sectorSize } from './fields.js';
import { jolietName, plainName } from './read-names.js';
import type { IsoNode } from './read-node.js';
import { FileFlag, isDirectory, isDot, parseRecord, type DirectoryRecord } from './read-record.js';
import { readRockRidge } from './read-rock-ridge.js';
import type { IsoVolume, ReadHierarchy } from './read-volume.js';

/** The entries of a directory, one array for each sector (ECMA-119 6.8.1). */
export async function* directoryEntries(
  hierarchy: ReadHierarchy,
  directory: IsoNode,
  report: Report,
): AsyncGenerator<DirectoryEntry[]> {
  const [extent = { at: 0, length: 0 }] = directory.extents;
  const readable = hierarchy.volume.readable(extent);
  if (readable < extent.length) {
    report('ISO_EXTENT', `bytes ${extent.at}+${extent.length} of the directory are not in the image`);
  }
  const reading: Reading = { hierarchy, report, previous: undefined };
  const end = extent.at + readable;
  for (let at = extent.at; at < end;) {
    const length = Math.min(sectorSize - (at % sectorSize), end - at);
    const records = await sectorRecords(hierarchy.volume, at, length, report);
    if (at === extent.at) checkDots(records, report);
    yield await namedEntries(reading, records);
    at += length;
  }
}

interface Reading {
  hierarchy: ReadHierarchy;
  report: Report;
  /** The record before, where more sections of its file follow. */
  previous: DirectoryRecord | undefined;
}

/** Where the chain of lengths breaks, the rest of the sector is given up; a zero ends it as well. */
async function sectorRecords(
  volume: IsoVolume,
  at: number,
  length: number,
  report: Report,
): Promise<DirectoryRecord[]> {
  const records: DirectoryRecord[] = [];
  try {
    const sector = await volume.read(at, length);
    for (let offset = 0; offset < length && sector[offset] !== 0;) {
      const record = parseRecord(sector, offset, at, volume.hierarchy.blockSize);
      if (!record) {
        report('ISO_DIRECTORY', `a broken record at byte ${at + offset}: the rest of its sector is lost`);
        break;
      }
      records.push(record);
      offset += record.length;
    }
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    report(error.code, error.message);
  }
  return records;
}

function checkDots([self, parent]: readonly DirectoryRecord[], report: Report): void {
  if (self && parent && isDot(self, 0) && isDot(parent, 1)) return;
  report('ISO_DIRECTORY', 'the records of the directory itself and of its parent are missing');
}

async function namedEntries(
  reading: Reading,
  records: readonly DirectoryRecord[],
): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  for (const record of records) {
    if (isDot(record, 0) || isDot(record, 1) || isFurtherSection(reading, record)) continue;
    if (record.flags & FileFlag.associated) {
      reading.report('ISO_ASSOCIATED', `a file that accompanies ${printable(plainName(record))}: left out`);
      continue;
    }
    const name = await nameOf(reading.hierarchy, record);
    if (name) entries.push({ name, id: record.at });
  }
  return entries;
}

/** A record that continues the file of the one before is part of that. */
function isFurtherSection(reading: Reading, record: DirectoryRecord): boolean {
  const { previous } = reading;
  reading.previous = record.flags & FileFlag.continues && !isDirectory(record) ? record : undefined;
  return previous?.identifier.equals(record.identifier) ?? false;
}

/** What is wrong with the attributes is reported when the node is described. */
async function nameOf({ volume, skip }: ReadHierarchy, record: DirectoryRecord): Promise<Buffer | undefined> {
  if (volume.hierarchy.joliet) return jolietName(record);
  if (skip === undefined) return plainName(record);
  const { name, relocated } = await readRockRidge(volume, record, skip, () => undefined);
  return relocated ? undefined : (name ?? plainName(record));
}
