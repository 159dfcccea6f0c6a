import type { SweepEvent } from '../model/sweep.js';
import type { GridStanding, SweepRequest } from '../model/sweep-status.js';
import type { GvaError } from '../system/errors.js';
import type { IdentityOf } from './done-points.js';
import type { KnownResults } from './known-results.js';
import type { Sorting } from './plan/ordered.js';
import type { SweepSpec } from './run-sweep.js';
import type { Progress } from './schedule/progress.js';
import type { StopConditions } from './schedule/stop-conditions.js';
import type { SweepStore } from './store/store.js';

/** What whoever has the points of a sweep run is given; all of it is the sweep's. */
export interface ConductParts {
  readonly spec: SweepSpec;
  readonly store: SweepStore;
  readonly known: KnownResults;
  readonly identity: IdentityOf;
  readonly progress: Progress;
  readonly stop: StopConditions;
  /** Number of points of the plan. */
  readonly count: number;
  /** Where the plan has an order. */
  readonly sorting?: Sorting | undefined;
  readonly onEvent: (event: SweepEvent) => void;
  /** Something changed in the table of results. */
  readonly onChange: () => void;
}

/** The two ways to end a sweep early. */
export interface EndSignals {
  /** Begin nothing more. */
  readonly finish: AbortSignal;
  /** Cancel what runs, too. */
  readonly abort: AbortSignal;
  /** Save what runs, and end it; never where absent. */
  readonly leave?: AbortSignal;
}

/** Has the points of a sweep run, each until it has ended for good: on this host, or by a grid. */
export interface Conductor extends AsyncDisposable {
  /** Seconds since it was made. */
  readonly now: number;
  /** Points that are being run. */
  readonly running: number;
  /** Instances at once, at most. */
  readonly parallel: number;
  /** Why nothing is begun at present; a sentence. */
  readonly paused: string | undefined;
  /** Why the sweep stopped before its end; a sentence without its full stop. */
  readonly stopped: string | undefined;
  /** Somebody else has asked for its end. */
  readonly cancelled: boolean;
  /** Somebody has asked for points that have ended to be run again. */
  readonly retrying: boolean;
  /** Where a grid has them run: its jobs. */
  readonly grid?: GridStanding | undefined;
  /** Points without a job that this process has left to another one; absent, or 0, where there are none. */
  readonly unsubmitted?: number;
  /** What is in the way of all points. */
  readonly trouble: GvaError | undefined;
  /** Runs until there is nothing left to do, or to wait for; again, where something has come. Only what is a bug is thrown. */
  run(): Promise<void>;
  /** Called about once a second while it runs. */
  tick(): Promise<void>;
  /** What somebody else asked for. */
  take(request: SweepRequest): void;
}

/** @throws GvaError where points cannot be run there at all */
export type Conduct = (parts: ConductParts, signals: EndSignals) => Promise<Conductor>;
