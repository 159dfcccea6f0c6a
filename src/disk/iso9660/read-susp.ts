import type { Report } from '../findings.js';
import { entryHeadLength } from './susp.js';
import type { IsoVolume } from './read-volume.js';

/** A system use entry (SUSP 1.12, 4). */
export interface SystemUseEntry {
  signature: string;
  /** Behind signature, length and version. */
  data: Buffer;
}

/** RR_MAX_CE_ENTRIES of Linux: continuations of one record, so that they cannot lead in circles. */
const maxContinuations = 32;

/**
 * The entries of a system use field and of its continuation areas. Where they break off, what came before counts
 * (ISO_SUSP).
 */
export async function readSystemUse(
  volume: IsoVolume,
  field: Buffer,
  report: Report,
): Promise<SystemUseEntry[]> {
  const entries: SystemUseEntry[] = [];
  let area: Buffer | undefined = field;
  for (let areas = 0; area; areas++) {
    if (areas > maxContinuations) {
      report('ISO_SUSP', 'its attributes are continued without end: the rest is left out');
      break;
    }
    const continuation = parseArea(area, entries, report);
    area = continuation && (await readContinuation(volume, continuation, report));
  }
  return entries;
}

/** Adds the entries of one area and returns its CE entry, which is not among them. */
function parseArea(area: Buffer, entries: SystemUseEntry[], report: Report): Buffer | undefined {
  let continuation: Buffer | undefined;
  for (let at = 0; at + entryHeadLength <= area.length;) {
    const length = area.readUInt8(at + 2);
    const signature = area.toString('latin1', at, at + 2);
    // Fields are padded to an even length, and some writers leave zeros behind the last entry.
    if (signature === 'ST' || area[at] === 0) break;
    if (length < entryHeadLength || at + length > area.length) {
      report('ISO_SUSP', `a broken entry among its attributes: the rest is left out`);
      break;
    }
    const data = area.subarray(at + entryHeadLength, at + length);
    if (signature === 'CE') continuation = data;
    else entries.push({ signature, data });
    at += length;
  }
  return continuation;
}

/** The area that a CE entry leads to (SUSP 1.12, 5.1): within one block, as Linux has it. */
async function readContinuation(
  volume: IsoVolume,
  data: Buffer,
  report: Report,
): Promise<Buffer | undefined> {
  const { blockSize } = volume.hierarchy;
  const [block, offset, length] =
    data.length < 24 ? [0, 0, 0] : [data.readUInt32LE(0), data.readUInt32LE(8), data.readUInt32LE(16)];
  const extent = { at: block * blockSize + offset, length };
  if (length === 0 || offset + length > blockSize || volume.readable(extent) < length) {
    report('ISO_SUSP', `its attributes are continued at block ${block}, ${offset}+${length}: left out`);
    return undefined;
  }
  return volume.read(extent.at, length);
}
