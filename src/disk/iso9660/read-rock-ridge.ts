import type { Report } from '../findings.js';
import { parseRecordingDate, parseVolumeDate, type DirectoryRecord } from './read-record.js';
import { readSystemUse, type SystemUseEntry } from './read-susp.js';
import type { IsoVolume } from './read-volume.js';

/** What Rock Ridge (RRIP 1.12) says of a record; undefined where it does not. */
export interface RockRidge {
  name: Buffer | undefined;
  /** Target of a symbolic link. */
  target: Buffer | undefined;
  posix: Posix | undefined;
  /** Last modification, seconds since 1970. */
  mtime: number | undefined;
  /** First block of the directory that has its place here but lies elsewhere. */
  childBlock: number | undefined;
  /** A directory that has its place elsewhere. */
  relocated: boolean;
  /** Compressed by mkzftree. */
  compressed: boolean;
}

export interface Posix {
  mode: number;
  links: number;
  uid: number;
  gid: number;
}

/** Extensions whose ER entry announces Rock Ridge. */
const identifiers = ['RRIP_1991A', 'IEEE_P1282', 'IEEE_1282'];

/**
 * Bytes to skip in each system use field, from the root's own record; undefined without Rock Ridge. CD-XA puts 14
 * bytes in front.
 */
export async function findRockRidge(volume: IsoVolume): Promise<number | undefined> {
  const dot = await volume.readRecord(volume.hierarchy.root.extent.at);
  if (!dot) return undefined;
  for (const offset of [0, 14]) {
    const field = dot.systemUse.subarray(offset);
    const [first, ...entries] = await readSystemUse(volume, field, ignore);
    // SP (SUSP 1.12, 5.3): check bytes, then bytes to skip.
    if (first?.signature !== 'SP' || first.data.length < 3 || first.data.readUInt16BE(0) !== 0xbeef) continue;
    return entries.some(announces) ? first.data.readUInt8(2) : undefined;
  }
  return undefined;
}

const ignore: Report = () => undefined;

function announces({ signature, data }: SystemUseEntry): boolean {
  if (signature !== 'ER') return signature === 'PX' || signature === 'RR';
  return identifiers.includes(data.toString('latin1', 4, 4 + (data[0] ?? 0)));
}

/** @param skip as by `findRockRidge` */
export async function readRockRidge(
  volume: IsoVolume,
  record: DirectoryRecord,
  skip: number,
  report: Report,
): Promise<RockRidge> {
  const entries = await readSystemUse(volume, record.systemUse.subarray(skip), report);
  const all = (signature: string, least: number): Buffer[] =>
    entries
      .filter((entry) => entry.signature === signature && entry.data.length >= least)
      .map((entry) => entry.data);
  const posix = all('PX', 32)[0];
  return {
    name: nameOf(all('NM', 1)),
    target: targetOf(all('SL', 1)),
    posix: posix && {
      mode: posix.readUInt32LE(0),
      links: posix.readUInt32LE(8),
      uid: posix.readUInt32LE(16),
      gid: posix.readUInt32LE(24),
    },
    mtime: modificationOf(all('TF', 1)),
    childBlock: all('CL', 8)[0]?.readUInt32LE(0),
    relocated: all('RE', 0).length > 0,
    compressed: all('ZF', 2).some((data) => data.toString('latin1', 0, 2) === 'pz'),
  };
}

/** Flags of NM, SL and component records (RRIP 1.12, 4.1.3, 4.1.4). */
const Flag = { continues: 1, current: 2, parent: 4, root: 8 } as const;

/** Bytes of names and targets that are kept, more than any host takes: an evil name has 64 KiB. */
const maxName = 1024;
const maxTarget = 4096;

/** NM, in one or more entries. */
function nameOf(entries: readonly Buffer[]): Buffer | undefined {
  const parts: Buffer[] = [];
  for (const data of entries) {
    const flags = data.readUInt8(0);
    if (flags & (Flag.current | Flag.parent)) return undefined;
    parts.push(data.subarray(1));
    if (!(flags & Flag.continues)) break;
  }
  return parts.length === 0 ? undefined : cut(parts, maxName);
}

/** SL, in one or more entries of component records, which may themselves be continued. */
function targetOf(entries: readonly Buffer[]): Buffer | undefined {
  if (entries.length === 0) return undefined;
  const parts: Buffer[] = [];
  let separated = true;
  for (const data of entries) {
    for (let at = 1; at + 2 <= data.length;) {
      const flags = data.readUInt8(at);
      const end = at + 2 + data.readUInt8(at + 1);
      if (!separated) parts.push(SLASH);
      parts.push(componentText(flags, data.subarray(at + 2, end)));
      separated = (flags & (Flag.continues | Flag.root)) !== 0;
      at = end;
    }
    if (!(data.readUInt8(0) & Flag.continues)) break;
  }
  return cut(parts, maxTarget);
}

/** A copy that does not keep the blocks alive from which the parts come. */
function cut(parts: readonly Buffer[], most: number): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat(parts, Math.min(length, most));
}

const SLASH = Buffer.from('/');

function componentText(flags: number, text: Buffer): Buffer {
  if (flags & Flag.root) return SLASH;
  if (flags & Flag.current) return Buffer.from('.');
  if (flags & Flag.parent) return Buffer.from('..');
  return text;
}

/** Flags of TF (RRIP 1.12, 4.1.6), whose dates stand in this order. */
const Time = { creation: 1, modification: 2, long: 0x80 } as const;

function modificationOf(entries: readonly Buffer[]): number | undefined {
  for (const data of entries) {
    const flags = data.readUInt8(0);
    if (!(flags & Time.modification)) continue;
    const length = flags & Time.long ? 17 : 7;
    const at = 1 + (flags & Time.creation ? length : 0);
    if (at + length > data.length) continue;
    const date = data.subarray(at, at + length);
    return flags & Time.long ? parseVolumeDate(date) : parseRecordingDate(date);
  }
  return undefined;
}
