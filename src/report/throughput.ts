import { cellNumber, columnNamed } from './columns.js';
import type { ReportColumn } from './data.js';

/** How many points ended per minute, for each of the equal parts that a time is divided into. */
export interface Throughput {
  /** Seconds of all parts together. */
  readonly span: number;
  readonly perMinute: readonly number[];
}

/** Seconds that a part may have; few points get parts so long that some of them end in each. */
const widths = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400];
const mostParts = 60;
const pointsOfPart = 3;

/** When the points ended, in milliseconds since 1970, in order; those of which that is not known are not among them. */
export function endings(columns: readonly ReportColumn[], rows: number): Float64Array {
  const [started, total] = [columnNamed(columns, 'gva_started'), columnNamed(columns, 'gva_total_s')];
  if (!started || !total) return new Float64Array(0);
  const ends = Float64Array.from({ length: rows }, (_, row) => {
    return cellNumber(started, row) + 1000 * cellNumber(total, row);
  });
  return ends.filter((end) => Number.isFinite(end)).sort();
}

/**
 * The throughput between two moments, in milliseconds since 1970.
 *
 * @param ends in order
 * @returns undefined where too little has ended to say
 */
export function throughputOf(ends: Float64Array, from: number, to: number): Throughput | undefined {
  const first = placeOf(ends, from);
  const count = placeOf(ends, to, true) - first;
  const seconds = (to - from) / 1000;
  if (count < 2 * pointsOfPart || !(seconds > 0)) return undefined;
  const width = widthOf(seconds / Math.min(mostParts, count / pointsOfPart), seconds / 2);
  if (width === undefined) return undefined;
  // A part that is not over would seem slow.
  const parts = Math.floor(seconds / width);
  const counts = new Array<number>(parts).fill(0);
  for (let index = first; index < ends.length; index++) {
    const part = Math.floor(((ends[index] ?? 0) - from) / 1000 / width);
    if (part >= parts) break;
    counts[part] = (counts[part] ?? 0) + 1;
  }
  return { span: parts * width, perMinute: counts.map((each) => (each * 60) / width) };
}

/** A round one, not shorter than wanted if that goes. @param most no more than this, and no less than `wanted` */
function widthOf(wanted: number, most: number): number | undefined {
  const longer = widths.find((each) => each >= wanted) ?? wanted;
  return longer <= most ? longer : widths.findLast((each) => each <= most);
}

/** How many are before the moment. */
function placeOf(ends: Float64Array, moment: number, inclusive = false): number {
  const place = ends.findIndex((end) => (inclusive ? end > moment : end >= moment));
  return place < 0 ? ends.length : place;
}
