import type { SweepManifest } from '../model/sweep.js';

/**
 * All that a report shows, as plain data: what `gva report --json` prints, and what the page has in it. Texts of guests
 * and users are in it as they are: whoever shows them must see to it that they are shown as text.
 */
export interface ReportData {
  readonly format: 'gva-report/1';
  /** Version of GVA that made the report. */
  readonly gva: string;
  /** ISO 8601, UTC. */
  readonly madeAt: string;
  readonly sweep: ReportedSweep;
  /** Number of points of the plan. */
  readonly points: number;
  readonly counts: Readonly<Record<ReportedState, number>>;
  /** The table by columns: parameters, how it went, results. All have a cell for each row. */
  readonly columns: readonly ReportColumn[];
  readonly failures: FailureReport;
  readonly images: ImageReport;
  /** What is not in the report that might be expected there, a sentence each. */
  readonly notes: readonly string[];
}

export interface ReportedSweep extends Pick<
  SweepManifest,
  'appliance' | 'base' | 'vmm' | 'plan' | 'files' | 'parameters' | 'startedAt'
> {
  readonly name: string;
  /** Version of GVA that ran it last. */
  readonly gva: string;
  readonly continuedAt?: string;
  /** How it stood when the report was made; absent where that is not known. */
  readonly state?: string;
  readonly reason?: string;
  /** How the gather step ended: `done`, or its message. */
  readonly gathered?: string;
}

export const reportedStates = ['done', 'failed', 'lost', 'cancelled', 'running', 'pending'] as const;
export type ReportedState = (typeof reportedStates)[number];

/** A column of the table. Numbers are kept as numbers; a text is an index into the words that come up, -1 for none. */
export type ReportColumn = { readonly name: string; readonly role: ColumnRole } & (
  | {
      readonly kind: 'number';
      readonly values: readonly (number | null)[];
      /** Cells that are text all the same, such as `nan`: by row. Their number is null. */
      readonly texts?: Readonly<Record<number, string>>;
    }
  /** Milliseconds since 1970 (UTC). */
  | { readonly kind: 'time'; readonly values: readonly (number | null)[] }
  | { readonly kind: 'text'; readonly words: readonly string[]; readonly codes: readonly number[] }
);

/** `outcome`: what GVA knows of the point; `result`: what its program left. */
export type ColumnRole = 'parameter' | 'outcome' | 'result';

/** Why points are not done: groups of the same cause, the largest first. */
export interface FailureReport {
  readonly groups: readonly FailureGroup[];
  /** Groups, and points in them, that are not among these. */
  readonly more: { readonly groups: number; readonly points: number };
}

export interface FailureGroup {
  readonly state: ReportedState;
  /** A FailureCause, or the code of what kept the instance from being run. */
  readonly cause: string;
  /** Exit status of the script that failed. */
  readonly status: number | null;
  readonly count: number;
  /** Numbers of the first of its points. */
  readonly points: readonly number[];
  /** Parameters that are the same in all of its points, but not in all of the sweep. */
  readonly common: readonly { readonly name: string; readonly value: string }[];
  readonly examples: readonly FailureExample[];
}

/** What one point of a group has left. */
export interface FailureExample {
  readonly point: number;
  readonly parameters: readonly { readonly name: string; readonly value: string }[];
  readonly message?: string;
  readonly host?: string;
  /** The last lines of the console, and of what the failing script wrote to standard error. */
  readonly console: readonly string[];
  readonly stderr: readonly string[];
}

/** Pictures among the outputs. */
export interface ImageReport {
  readonly images: readonly ReportImage[];
  /** Pictures that were found and not taken in, for want of room. */
  readonly leftOut: number;
  /** Points that were not searched. */
  readonly unsearched: number;
  /** Bytes that pictures may have in all. */
  readonly limit: number;
}

export interface ReportImage {
  readonly point: number;
  /** Row of the table. */
  readonly row: number;
  /** Path below the output's folder. */
  readonly path: string;
  readonly type: ImageType;
  readonly bytes: number;
  /** Base64. */
  readonly data: string;
}

export const imageTypes = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/svg+xml'] as const;
export type ImageType = (typeof imageTypes)[number];
