import { cellNumber, columnNamed } from './columns.js';
import type { ReportColumn } from './data.js';
import { type Timeline } from './timeline.js';

/** What the durations of the instances that have ended come to, in seconds. */
export interface Durations {
  readonly count: number;
  readonly sum: number;
  readonly least: number;
  readonly median: number;
  readonly p95: number;
  readonly most: number;
}

export const phaseColumns = {
  ...{ gva_total_s: 'whole instance', gva_boot_s: 'boot', gva_script_s: 'script' },
  ...{ gva_shutdown_s: 'shutdown', gva_other_s: 'staging and collecting' },
} as const;

/** Undefined where nothing is known. */
export function durationsOf(column: ReportColumn | undefined, rows: number): Durations | undefined {
  if (!column) return undefined;
  const values = Float64Array.from({ length: rows }, (_, row) => cellNumber(column, row)).filter(
    (value) => !Number.isNaN(value),
  );
  if (values.length === 0) return undefined;
  values.sort();
  const at = (share: number) => values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? 0;
  return {
    ...{ count: values.length, sum: values.reduce((sum, value) => sum + value, 0) },
    ...{ least: at(0), median: at(0.5), p95: at(0.95), most: at(1) },
  };
}

/** How fast it went. */
export interface Pace {
  /** Seconds in which something ran. */
  readonly busy: number;
  /** Instances that ended in each minute of them. */
  readonly perMinute: number;
  /** Instances at once, on average. */
  readonly parallel: number;
}

export function paceOf(timeline: Timeline, columns: readonly ReportColumn[], rows: number): Pace | undefined {
  const total = durationsOf(columnNamed(columns, 'gva_total_s'), rows);
  const busy = timeline.span;
  if (!total || busy <= 0) return undefined;
  return { busy, perMinute: (60 * timeline.runs.length) / busy, parallel: total.sum / busy };
}
