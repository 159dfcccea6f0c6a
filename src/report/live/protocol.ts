import type { SweepStatus } from '../../model/sweep-status.js';
import type { FailureOutline } from '../failures.js';
import type { ReportColumn } from '../data.js';
import type { StatesUpdate } from './states.js';

/**
 * What the server of a live page sends as the event `update` (Server-Sent Events, WHATWG HTML 9.2): the first has all
 * there is, later ones what is other than in the one before. Its id is a moment of the server's; who comes back with it gets
 * what is other than then.
 */
export interface LiveUpdate {
  /** May cancel and retry. */
  readonly mayAct: boolean;
  readonly sweeps: readonly SweepUpdate[];
}

export interface SweepUpdate {
  readonly id: string;
  readonly name: string;
  readonly status?: LiveStatus;
  readonly states?: StatesUpdate;
  /** Of the table of results: it can be fetched anew when the number is another one. */
  readonly table?: number;
}

/** How a sweep stands. Texts of guests are in it without control characters, and otherwise as they are. */
export interface LiveStatus extends Pick<
  SweepStatus,
  'points' | 'counts' | 'kept' | 'parallel' | 'perMinute' | 'remaining' | 'running' | 'failures' | 'slowest'
> {
  /** `unknown`: it has not said yet, or cannot be read; the reason says which. */
  readonly state: SweepStatus['state'] | 'unknown';
  readonly reason?: string;
  /** Nothing more will come of it by itself. */
  readonly ended: boolean;
  /** Its process takes requests. */
  readonly takesRequests: boolean;
  /** Points that run; `running` has the first of them. */
  readonly runningCount: number;
  /** How the gather step ended. */
  readonly gathered?: string;
  /** Jobs of a grid, in words. */
  readonly jobs?: string;
  /** ISO 8601, UTC; empty where not known. */
  readonly startedAt: string;
  readonly at: string;
}

/** The table of results. */
export interface LiveTable {
  readonly version: number;
  readonly rows: number;
  readonly columns: readonly ReportColumn[];
  readonly failures: readonly Omit<FailureOutline, 'rows'>[];
}

/** The end of what a console has said. */
export interface ConsoleTail {
  readonly text: string;
  /** The instance runs; what it says goes on. */
  readonly live: boolean;
  /** Said instead of a text, where there is none. */
  readonly note?: string;
}

/** Numbers of points; `all`: the whole sweep. */
export type CancelPoints = readonly number[] | 'all';
export type RetryPoints = readonly number[] | 'failed' | 'lost';

/** The header that a request which changes something must have: no form and no link of another page can set it. */
export const actionHeader = 'x-gva-action';
