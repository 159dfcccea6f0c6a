import type { ParameterValues } from './parameter.js';
import type { InstanceState, InstanceTimes } from './result.js';
import type { GridStanding } from './sweep-status.js';

/** `sweep.json`: what the points of a sweep's folder have in common. A later version must read this one. */
export interface SweepManifest {
  readonly format: 'gva-sweep/1';
  /** Version of GVA that ran it last. */
  readonly gva: string;
  readonly appliance: { readonly name: string; readonly version: string; readonly digest: string };
  readonly base: { readonly name: string; readonly digest: string };
  readonly vmm: { readonly name: string; readonly version: string; readonly accelerator: string };
  /** `file` is absolute; `text` is what it said. */
  readonly plan: { readonly file: string; readonly text: string };
  /** Given to every point. */
  readonly files: readonly { readonly name: string; readonly size: number; readonly sha256: string }[];
  /** Names, in the order of declaration, which is the order of the columns. */
  readonly parameters: readonly string[];
  /** Number of points. */
  readonly count: number;
  /** The gather step, if there is one; `appliance` is absolute. */
  readonly gather?: { readonly command: string } | { readonly appliance: string };
  /** How it was run the last time, as the words of the command. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** When it was taken up again, the last time. */
  readonly continuedAt?: string;
}

/** `pending`: has no result of what the plan says now. */
export type PointState = 'pending' | Exclude<InstanceState, 'cancelled'>;

/** One point: its number, from 0 in the order of the plan, and the values of all parameters. */
export interface Point {
  readonly index: number;
  readonly parameters: ParameterValues;
}

/** How a point ended. */
export interface PointOutcome {
  readonly state: InstanceState;
  /** Why it is not done: a FailureCause; CODE: MESSAGE where the instance could not be run at all. */
  readonly cause?: string;
  readonly message?: string;
  /** Exit status of the first script that failed, 0 if none did; null where that is not known. */
  readonly status: number | null;
  /** Null where there is no result. */
  readonly times: InstanceTimes | null;
  /** When the instance began, from which the times count: ISO 8601, UTC; absent where there is no result. */
  readonly startedAt?: string;
}

export type PointCounts = Readonly<Record<PointState, number>>;

/** What happens in a sweep, in order. */
export type SweepEvent =
  | {
      readonly event: 'begun';
      readonly points: number;
      /** Points that were done before and are not run again. */
      readonly kept: number;
      /** Instances at once. */
      readonly parallel: number;
    }
  | { readonly event: 'point-started'; readonly point: Point }
  | { readonly event: 'point-ended'; readonly point: Point; readonly outcome: PointOutcome }
  /** It did not end well and is run again after `delay` seconds. */
  | {
      readonly event: 'point-again';
      readonly point: Point;
      readonly outcome: PointOutcome;
      readonly delay: number;
    }
  /** No instance is begun until it goes on. */
  | { readonly event: 'paused'; readonly reason: string }
  | { readonly event: 'resumed' }
  /** All points have ended, and the gather step begins. */
  | { readonly event: 'gathering'; readonly by: string }
  /** Something that its user should know; a sentence. */
  | { readonly event: 'note'; readonly code: SweepNote; readonly message: string };

/** How the gather step of a sweep ended. */
export interface Gathered {
  /** `lost`: something around it failed, or it could not be run at all. */
  readonly state: 'done' | 'failed' | 'lost';
  /** Of the command, or of the appliance's first script that failed; null where that is not known. */
  readonly status: number | null;
  /** File with what it said: absolute; in status.json relative to the sweep's folder. */
  readonly log: string;
  /** One sentence for people; absent where all is well. */
  readonly message?: string;
  /** It was in an earlier run, and nothing has changed since. */
  readonly earlier?: true;
}

export type SweepNote =
  /** `--stop-when` names what no point has left. */
  | 'STOP_WHEN_UNSEEN'
  /** Files of points that have not come yet are not there. */
  | 'FILES_MISSING'
  /** The store was damaged, and is made anew. */
  | 'STORE_REBUILT'
  /** No more machines are kept ready. */
  | 'POOL_STOPPED'
  /** Somebody has cancelled jobs of the sweep at the grid itself. */
  | 'JOBS_CANCELLED'
  /** Not all could be submitted before this process ended. */
  | 'NOT_SUBMITTED';

export interface SweepSummary {
  readonly folder: string;
  /** Path of results.csv. */
  readonly results: string;
  readonly points: number;
  readonly counts: PointCounts;
  /** Points done before. */
  readonly kept: number;
  readonly interrupted: boolean;
  /** Why it stopped before its end, as a sentence without its full stop. */
  readonly stopped?: string;
  /** Jobs of a grid that go on without this process, and points that have none. */
  readonly jobs?: GridStanding & { readonly unsubmitted: number };
  readonly gathered?: Gathered;
  /** Why the gather step of the plan was not run on these results, as a sentence without its full stop. */
  readonly notGathered?: string;
  readonly seconds: number;
}
