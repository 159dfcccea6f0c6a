import { GvaError } from '../../system/errors.js';
import type { Report } from '../findings.js';
import type { DirectoryEntry } from '../tree.js';
import { entrySize } from './geometry.js';
import { LongName } from './read-long-name.js';
import { shortNameOf } from './read-names.js';
import { chainRuns } from './read-chain.js';
import type { FatNode } from './read-node.js';
import type { FatVolume } from './read-volume.js';

/** Attributes of a directory entry (FAT specification, "Directory Structure"). */
export const Attribute = {
  readOnly: 0x01,
  label: 0x08,
  directory: 0x10,
  longName: 0x0f,
  longMask: 0x3f,
} as const;
/** Marks in the first byte of an entry: nothing from here on, and deleted. */
const Mark = { end: 0, free: 0xe5 } as const;
/** FAT_MAX_DIR_ENTRIES of Linux. */
const maxEntries = 65_536;
/** Bytes that are read at once; a power of two. */
const PART = 16 * 1024;

/** The entries of a directory, one array for each part that is read. */
export async function* directoryEntries(
  volume: FatVolume,
  directory: FatNode,
  report: Report,
): AsyncGenerator<DirectoryEntry[]> {
  const parser = new EntryParser(directory, volume.geometry.width === 32, report);
  for await (const part of parts(volume, directory, report)) {
    yield part ? parser.parse(part.bytes, part.at) : [];
    if (parser.ended) break;
  }
  parser.finish();
}

interface Part {
  at: number;
  bytes: Buffer;
}

/** The parts of a directory, as far as they can be read; undefined where finding the next took a while. */
async function* parts(
  volume: FatVolume,
  directory: FatNode,
  report: Report,
): AsyncGenerator<Part | undefined> {
  const { clusterSize, fixedRoot } = volume.geometry;
  if (directory.isFixedRoot && fixedRoot) {
    yield* readParts(volume, fixedRoot.at, fixedRoot.length, report);
    return;
  }
  // One more than allowed, to see whether there are more.
  const limit = Math.ceil((maxEntries * entrySize) / clusterSize) + 1;
  const chain = { id: directory.id, first: directory.first, limit, exact: false };
  for await (const runs of chainRuns(volume, chain, report)) {
    if (runs.length === 0) yield undefined;
    for (const { cluster, count } of runs) {
      yield* readParts(volume, volume.offsetOf(cluster), count * clusterSize, report);
    }
  }
}

async function* readParts(
  volume: FatVolume,
  at: number,
  length: number,
  report: Report,
): AsyncGenerator<Part> {
  for (let done = 0; done < length;) {
    const size = Math.min(PART, length - done);
    try {
      yield { at: at + done, bytes: await volume.read(at + done, size) };
    } catch (error) {
      if (!(error instanceof GvaError)) throw error;
      report(error.code, error.message);
    }
    done += size;
  }
}

/** Entries in their order, with what has to be known of those before (FAT specification, "Directory Structure"). */
class EntryParser {
  /** The mark of the end was seen, or there are too many. */
  ended = false;
  readonly #directory: FatNode;
  readonly #report: Report;
  readonly #isFat32: boolean;
  readonly #long: LongName;
  /** Of `.` and `..`, which have their places in front of all but the root. */
  #dots = 0;
  #index = 0;

  constructor(directory: FatNode, isFat32: boolean, report: Report) {
    this.#directory = directory;
    this.#isFat32 = isFat32;
    this.#report = report;
    this.#long = new LongName(report);
  }

  parse(bytes: Buffer, at: number): DirectoryEntry[] {
    const entries: DirectoryEntry[] = [];
    for (let offset = 0; offset + entrySize <= bytes.length && !this.ended; offset += entrySize) {
      const name = this.#name(bytes.subarray(offset, offset + entrySize));
      if (name !== undefined) entries.push({ name: Buffer.from(name), id: at + offset });
    }
    return entries;
  }

  /** What is left when there are no more entries. */
  finish(): void {
    this.#long.drop();
    if (!this.#directory.isRoot && this.#dots < 2) {
      this.#report('FAT_DIRECTORY', 'the entries "." and ".." are missing or wrong');
    }
  }

  /** The name that an entry gives to what it describes; undefined where it describes nothing. */
  #name(entry: Buffer): string | undefined {
    const index = this.#index++;
    const attributes = entry.readUInt8(11);
    const isLong = (attributes & Attribute.longMask) === Attribute.longName;
    this.ended = entry[0] === Mark.end || index >= maxEntries;
    if (this.ended && entry[0] !== Mark.end) {
      this.#report('FAT_DIRECTORY', `the directory has more than ${maxEntries} entries: these are missing`);
    }
    if (this.ended || entry[0] === Mark.free) {
      this.#long.drop();
      return undefined;
    }
    if (isLong) {
      this.#long.add(entry);
      return undefined;
    }
    const long = this.#long.take(entry);
    if (attributes & Attribute.label || this.#isDot(entry, index)) return undefined;
    return long ?? shortNameOf(entry);
  }

  #isDot(entry: Buffer, index: number): boolean {
    if (this.#directory.isRoot || index > 1) return false;
    if (entry.toString('latin1', 0, 11) !== '.'.repeat(index + 1).padEnd(11)) return false;
    this.#dots += index === 1 || firstClusterOf(entry, this.#isFat32) === this.#directory.first ? 1 : 0;
    return true;
  }
}

/** The first cluster that an entry names; 16 bits of it but with FAT32. */
export function firstClusterOf(entry: Buffer, isFat32: boolean): number {
  return entry.readUInt16LE(26) + (isFat32 ? entry.readUInt16LE(20) * 2 ** 16 : 0);
}
