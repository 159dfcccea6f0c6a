/**
 * What a grid is asked for. An engine keeps no state: what was submitted is known from the sweep's folder, and from
 * the grid itself by the names of its jobs.
 */
export interface GridEngine {
  readonly name: string;
  /** @throws GvaError GRID_MISSING where there is no such grid here */
  limits(signal: AbortSignal): Promise<GridLimits>;
  /** The exact text of what would be submitted, for people (`--dry-run`): the command and the script. */
  describe(array: JobArray): string;
  /**
   * Submits an array of jobs. The caller has its name on disk before, durably: where this throws SubmissionUncertain,
   * or never returns, the array may be there or not, and `find()` tells.
   *
   * @returns what the grid calls the array
   * @throws GvaError GRID_REFUSED where the grid will never take it, with its own words
   */
  submit(array: JobArray, signal: AbortSignal): Promise<string>;
  /** What the grid calls the array of that name; undefined where it knows none (any more). */
  find(name: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * The states of all elements of the arrays, asked for with a number of queries that does not depend on how many there
   * are. An element that the grid does not speak of (any more) is not in the answer.
   *
   * @throws GvaError GRID_SILENT where the grid does not answer: nothing is known then, and nothing has changed
   */
  poll(jobs: readonly string[], signal: AbortSignal): Promise<readonly ElementState[]>;
  /** Ends elements, running ones too; all of an array where `elements` is absent. Of what has ended, nothing is said. */
  cancel(job: string, elements: readonly number[] | undefined, signal: AbortSignal): Promise<void>;
}

export interface GridLimits {
  /** Elements of one array, at most. */
  readonly elements: number;
  /** Jobs (elements) that the grid keeps at a time, ended ones of late included. */
  readonly jobs: number;
}

export interface JobArray {
  /** Unique: `gva-SWEEP-CHUNK`. */
  readonly name: string;
  /** Number of elements; they are numbered from 0. */
  readonly elements: number;
  /** Program and arguments, which get the element's number in the environment variable GVA_ELEMENT. */
  readonly command: readonly string[];
  /** Absolute; existing. What the elements say goes to `ELEMENT.log` in it. */
  readonly logs: string;
  readonly resources: GridResources;
  /** Elements that run at once, at most; undefined: as many as the grid lets. */
  readonly atOnce?: number;
  /** Nodes to avoid. */
  readonly exclude: readonly string[];
  readonly options: GridOptions;
}

/** Of each element. */
export interface GridResources {
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** Until the grid ends it; undefined: as the grid says. */
  readonly seconds: number | undefined;
}

/** What a person may say, on the command line or in the configuration; the words are Slurm's. */
export interface GridOptions {
  readonly partition?: string;
  readonly account?: string;
  readonly qos?: string;
  readonly constraint?: string;
  /** Further options for the submitting command, as words. */
  readonly extra?: readonly string[];
}

/** What the grid says of one element. */
export interface ElementState {
  readonly job: string;
  readonly element: number;
  readonly state: 'pending' | 'running' | 'ended';
  /** How it ended; absent unless it has. */
  readonly end?: ElementEnd;
  /** Absent where it never ran. */
  readonly node?: string;
  /** The grid's own word and reason, such as `NODE_FAIL` and `QOSMaxJobsPerUserLimit`. */
  readonly word: string;
  readonly reason?: string;
}

export type ElementEnd =
  /** Its command ended with status 0. */
  | 'completed'
  /** Its command ended otherwise. */
  | 'failed'
  | 'out-of-memory'
  | 'time-limit'
  | 'node-failed'
  | 'preempted'
  | 'cancelled'
  /** The grid could not start it on the node. */
  | 'launch-failed';
