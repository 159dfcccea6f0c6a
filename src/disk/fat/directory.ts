import type { DirectoryNode, FileNode } from '../medium-tree.js';
import { assignUniqueNames } from '../unique-names.js';
import { entrySize } from './geometry.js';
import { foldCase, shortNameBytes, shortNameChecksum, shortNameRule } from './names.js';

/** A directory with the names of its children; clusters are known once the volume is laid out. */
export interface DirectoryPlan {
  node: DirectoryNode;
  /** Undefined for the root. */
  parent: DirectoryPlan | undefined;
  children: ChildPlan[];
  /** Length in entries of 32 bytes, with `.` and `..` or the label. */
  entries: number;
}

export interface ChildPlan {
  target: DirectoryPlan | FileNode;
  /** 11 bytes. */
  shortName: Buffer;
  /** Undefined where the short name says it all. */
  longName: string | undefined;
}

export type Target = ChildPlan['target'];

const Attribute = { label: 0x08, directory: 0x10, archive: 0x20, longName: 0x0f } as const;
/** UTF-16 code units in an entry of a long name. */
const unitsPerEntry = 13;
const lastLongEntry = 0x40;

/** All directories, parents before children, each with its children in the order of their names. */
export function planDirectories(root: DirectoryNode): DirectoryPlan[] {
  const directories: DirectoryPlan[] = [emptyPlan(root, undefined)];
  for (const directory of directories) {
    const nodes = [...directory.node.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const shortNames = assignUniqueNames(
      nodes.map(({ name }) => foldCase(name)),
      shortNameRule,
    );
    for (const node of nodes) {
      if (node.kind === 'symlink') continue;
      const shortName = shortNames.get(foldCase(node.name)) ?? '';
      const longName = shortName === node.name ? undefined : node.name;
      const target = node.kind === 'file' ? node : emptyPlan(node, directory);
      if (!('kind' in target)) directories.push(target);
      directory.children.push({ target, shortName: shortNameBytes(shortName), longName });
      directory.entries += 1 + longEntryCount(longName);
    }
  }
  return directories;
}

/** The root begins with the label, the others with `.` and `..`. */
function emptyPlan(node: DirectoryNode, parent: DirectoryPlan | undefined): DirectoryPlan {
  return { node, parent, children: [], entries: parent === undefined ? 1 : 2 };
}

/** First clusters and date of what directory entries describe. */
export interface EntryFacts {
  /** First cluster; 0 for empty files. */
  clusterOf(target: Target): number;
  date: Date;
  /** Volume label, 11 bytes. */
  label: Buffer;
}

/** The entries of a directory (FAT specification, "Directory Structure"). */
export function directoryBytes(directory: DirectoryPlan, facts: EntryFacts): Buffer {
  const { parent, children } = directory;
  const bytes = Buffer.alloc(directory.entries * entrySize);
  let next = 0;
  const append = (name: Buffer, attribute: number, cluster: number, size: number): void => {
    const entry = bytes.subarray(next, (next += entrySize));
    entry.set(name);
    entry[11] = attribute;
    writeDates(entry, facts.date);
    entry.writeUInt16LE(cluster >>> 16, 20);
    entry.writeUInt16LE(cluster & 0xffff, 26);
    entry.writeUInt32LE(size, 28);
  };
  if (parent === undefined) {
    append(facts.label, Attribute.label, 0, 0);
  } else {
    append(dotName(1), Attribute.directory, facts.clusterOf(directory), 0);
    // The root is cluster 0 here even where it has one (FAT32).
    append(dotName(2), Attribute.directory, parent.parent === undefined ? 0 : facts.clusterOf(parent), 0);
  }
  for (const { target, shortName, longName } of children) {
    if (longName !== undefined) next += writeLongName(bytes, next, longName, shortName);
    if ('kind' in target) append(shortName, Attribute.archive, facts.clusterOf(target), target.size);
    else append(shortName, Attribute.directory, facts.clusterOf(target), 0);
  }
  return bytes;
}

function longEntryCount(longName: string | undefined): number {
  return Math.ceil((longName?.length ?? 0) / unitsPerEntry);
}

function dotName(dots: number): Buffer {
  return Buffer.from('.'.repeat(dots).padEnd(11), 'latin1');
}

/**
 * The entries of a long name, the last part first (FAT specification, "Long Directory Entries"). Returns their
 * length in bytes.
 */
function writeLongName(bytes: Buffer, offset: number, longName: string, shortName: Buffer): number {
  const count = longEntryCount(longName);
  const checksum = shortNameChecksum(shortName);
  // Ended by one zero where there is room, then filled with ones.
  const padded = `${longName}\0`.padEnd(count * unitsPerEntry, '\uffff');
  const units = Buffer.from(padded.slice(0, count * unitsPerEntry), 'utf16le');
  for (let part = count; part >= 1; part--) {
    const entry = bytes.subarray(offset + (count - part) * entrySize);
    entry[0] = part | (part === count ? lastLongEntry : 0);
    entry[11] = Attribute.longName;
    entry[13] = checksum;
    const start = (part - 1) * unitsPerEntry * 2;
    units.copy(entry, 1, start, start + 10);
    units.copy(entry, 14, start + 10, start + 22);
    units.copy(entry, 28, start + 22, start + 26);
  }
  return count * entrySize;
}

/** Creation, access and modification (FAT specification, "Date and Time Formats"), in UTC. */
function writeDates(entry: Buffer, date: Date): void {
  const day = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
  entry[13] = (date.getUTCSeconds() % 2) * 100; // hundredths of a second
  entry.writeUInt16LE(time, 14);
  entry.writeUInt16LE(day, 16);
  entry.writeUInt16LE(day, 18);
  entry.writeUInt16LE(time, 22);
  entry.writeUInt16LE(day, 24);
}
