import { systemUseRoom } from './directory-record.js';
import type { DirectoryPlan, RecordPlan } from './hierarchy.js';
import {
  FileType,
  nameEntries,
  posixEntry,
  rockRidgeReference,
  symlinkEntries,
  timesEntry,
} from './rock-ridge.js';
import { ContinuationArea, sharingProtocolEntry } from './susp.js';

/**
 * Fills the system use fields of the records with Rock Ridge.
 *
 * @param date recording date of everything
 * @param continuationSector where the returned sectors will lie
 * @returns sectors of the continuation area
 */
export function addRockRidge(
  directories: readonly DirectoryPlan[],
  date: Buffer,
  continuationSector: number,
): readonly Buffer[] {
  const area = new ContinuationArea(continuationSector);
  const times = timesEntry(date);
  const serials = new Map<RecordPlan['target'], number>();
  for (const directory of directories) {
    for (const [index, record] of directory.records.entries()) {
      const { target } = record;
      const serial = serials.get(target) ?? serials.size + 1;
      serials.set(target, serial);
      const entries = [posixOf(target, serial), times];
      if (index >= 2) entries.push(...namesOf(target));
      if (index === 0 && directory.parent === directory) {
        entries.unshift(sharingProtocolEntry());
        entries.push(rockRidgeReference());
      }
      record.systemUse = area.pack(entries, systemUseRoom(record.identifier));
    }
  }
  return area.sectors;
}

function posixOf(target: RecordPlan['target'], serial: number): Buffer {
  if (!('kind' in target)) {
    const subdirectories = target.records.slice(2).filter((record) => !('kind' in record.target)).length;
    return posixEntry(FileType.directory | target.node.mode, 2 + subdirectories, serial);
  }
  if (target.kind === 'file') return posixEntry(FileType.file | target.mode, 1, serial);
  return posixEntry(FileType.symlink | 0o777, 1, serial);
}

function namesOf(target: RecordPlan['target']): Buffer[] {
  if (!('kind' in target)) return nameEntries(target.node.name);
  const name = nameEntries(target.name);
  return target.kind === 'symlink' ? [...name, ...symlinkEntries(target.target)] : name;
}
