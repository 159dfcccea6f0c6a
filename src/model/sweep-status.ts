import type { InstanceState } from './result.js';
import type { Gathered, PointCounts } from './sweep.js';

/**
 * `status.json` in a sweep's folder: how the sweep stands, written about once a second by the process that runs it, and
 * at its end. Whoever may read the folder may look, on whatever host.
 */
export interface SweepStatus {
  readonly format: 'gva-sweep-status/1';
  readonly name: string;
  /** `finished`: nothing is left to do. `stopped`: it ended before, and can be resumed. */
  readonly state: 'running' | 'paused' | 'stopping' | 'stopped' | 'finished';
  /** Why it is paused or was stopped, or what it does beside running points; a sentence. */
  readonly reason?: string;
  /** How the gather step ended. */
  readonly gathered?: Gathered;
  /** Of the process that writes this. */
  readonly host: string;
  readonly pid: number;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly at: string;
  /** Number of points of the plan. */
  readonly points: number;
  readonly counts: PointCounts & { readonly active: number };
  /** Points that were done before this run began. */
  readonly kept: number;
  /** Instances at once, at most. */
  readonly parallel: number;
  /** Points that ended in each minute, lately; null at the beginning. */
  readonly perMinute: number | null;
  /** Seconds until the end: the best guess, and what it will hardly fall below and go above; null where unknown. */
  readonly remaining: { readonly seconds: number; readonly low: number; readonly high: number } | null;
  readonly running: readonly RunningPoint[];
  /** Where a grid has the points run: how its jobs stand, as was known then. */
  readonly grid?: GridStanding;
  /** The longest of those that ended, the longest first; at most ten. */
  readonly slowest: readonly { readonly index: number; readonly seconds: number }[];
  /** The last that did not end as done, the newest first; at most twenty. */
  readonly failures: readonly FailedPoint[];
}

/** Jobs of a sweep at a grid. They go on when the process that submitted them has ended. */
export interface GridStanding {
  readonly engine: string;
  /** Jobs that wait. */
  readonly pending: number;
  /** Jobs that run, and the nodes on which they do. */
  readonly running: number;
  readonly nodes: number;
}

export interface RunningPoint {
  readonly index: number;
  readonly attempt: number;
  /** ISO 8601, UTC. */
  readonly since: string;
  readonly phase: 'staging' | 'booting' | 'running' | 'collecting';
  /** What the guest says of its progress: 0 to 1. */
  readonly fraction?: number;
  /** What it says beside that, for people. */
  readonly text?: string;
}

export interface FailedPoint {
  readonly index: number;
  readonly state: InstanceState;
  readonly cause?: string;
  readonly message?: string;
  readonly attempts: number;
}

/** A file in the folder `requests` of a sweep: what others ask of the process that runs it. */
export type SweepRequest =
  /** `all`: what runs is cancelled, and the sweep stops. */
  | { readonly request: 'cancel'; readonly points: readonly number[] | 'all' }
  | { readonly request: 'retry'; readonly points: readonly number[] | 'failed' | 'lost' };
