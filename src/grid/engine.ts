import { ExitCode, GvaError } from '../system/errors.js';

/**
 * What a grid is asked for. An engine keeps no state: what was submitted is known from the sweep's folder, and from
 * the grid itself by the names of its jobs. It tries nothing twice: who asks waits longer after each failure.
 *
 * Everything throws GRID_MISSING where there is no such grid here, GRID_SILENT where it does not answer, and the
 * signal's reason.
 */
export interface GridEngine {
  readonly name: string;
  limits(signal: AbortSignal): Promise<GridLimits>;
  /**
   * The exact text of what would be submitted, for people (`--dry-run`): the command and the script.
   *
   * @throws GvaError GRID_OPTIONS where the options cannot be passed on
   */
  describe(array: JobArray): string;
  /**
   * Submits an array of jobs. The caller has its name on disk before, durably: where this throws SubmissionUncertain,
   * or never returns, the array may be there or not, and `find()` tells.
   *
   * @returns what the grid calls the array
   * @throws GvaError GRID_REFUSED where the grid will never take it, with its own words; GRID_OPTIONS, as `describe()`;
   *   GRID_FULL where it keeps as many jobs as it may: it will take it later. SubmissionUncertain. With any other
   *   error, it has not been submitted.
   */
  submit(array: JobArray, signal: AbortSignal): Promise<string>;
  /**
   * What the grid calls the arrays of that name, oldest first: more than one where an uncertain submission was repeated;
   * none where it knows none (any more). What was refused may be among them, ended.
   */
  find(name: string, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * The states of all elements of the arrays, asked for with a number of queries that does not depend on how many there
   * are. An element that the grid does not speak of (any more) is not in the answer: it ended
   * long ago, or was ended before it ran. With GRID_SILENT, nothing is known,
   * and nothing has changed.
   */
  poll(arrays: readonly SubmittedArray[], signal: AbortSignal): Promise<readonly ElementState[]>;
  /**
   * What the grid's accounting remembers of the elements, ended ones above all, where it has any; else nothing. For
   * elements that `poll()` speaks of no more, and that have left nothing.
   */
  recall(arrays: readonly SubmittedArray[], signal: AbortSignal): Promise<readonly ElementState[]>;
  /**
   * Ends elements, running ones too, with TERM and some seconds later KILL; all of an array where `elements` is absent. Of
   * what has ended, or is not known, nothing is said. Whether they have ended is for `poll()` to tell.
   */
  cancel(array: SubmittedArray, elements: readonly number[] | undefined, signal: AbortSignal): Promise<void>;
}

/**
 * An array that a grid has taken. A controller that is killed forgets what it had just taken, and gives its number to
 * another one: only one that has the number and the name is meant.
 */
export interface SubmittedArray {
  /** What the grid calls it. */
  readonly job: string;
  /** `JobArray.name`. */
  readonly name: string;
}

/** Whether an array was submitted is not known: look it up by its name, again and again for a minute or two. */
export class SubmissionUncertain extends GvaError {
  constructor(message: string, cause?: unknown) {
    super('GRID_UNCERTAIN', message, { exitCode: ExitCode.infrastructure, cause });
  }
}

export interface GridLimits {
  /** Elements of one array, at most. */
  readonly elements: number;
  /** Jobs (elements) that the grid keeps at a time, ended ones of late included; undefined: as many as one likes. */
  readonly jobs: number | undefined;
}

/** Names of arrays: what every grid takes, and every shell. */
export const arrayName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/** `e0007`: of the element's files in its chunk. */
export const elementName = (element: number) => `e${String(element).padStart(4, '0')}`;
export const elementLog = (element: number) => `${elementName(element)}.log`;

export interface JobArray {
  /** Unique among all that this user submits: `gva-SWEEP-CHUNK` and what tells sweeps of one name apart (`arrayName`). */
  readonly name: string;
  /** Number of elements; they are numbered from 0. */
  readonly elements: number;
  /**
   * Program (absolute) and arguments. It runs in the folder `/`, whatever the grid, and signals to the job come to it. Its
   * environment has `elementVariables`; what else is there is the grid's affair.
   */
  readonly command: readonly string[];
  /** Absolute; existing. What the elements say is appended to `elementLog()` in it. */
  readonly logs: string;
  readonly resources: GridResources;
  /** Elements that run at once, at most; undefined: as many as the grid lets. */
  readonly atOnce?: number;
  /** Arrays, as the grid calls them: it begins when all their elements have ended, in whatever way. */
  readonly after?: readonly string[];
  /** Nodes to avoid. */
  readonly exclude: readonly string[];
  readonly options: GridOptions;
}

/** Of each element. */
export interface GridResources {
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** Until the grid ends it, at the earliest (grids count in minutes); undefined: as the grid says. */
  readonly seconds: number | undefined;
}

/** What a person may say, on the command line or in the configuration; the words are Slurm's. */
export interface GridOptions {
  readonly partition?: string;
  readonly account?: string;
  readonly qos?: string;
  readonly constraint?: string;
  /** Further options for the submitting command, as words: `--name` or `--name=value`. */
  readonly extra?: readonly string[];
  /** Lines of shell, run on the node before the command, in its own shell: `module load qemu`. */
  readonly setup?: string;
}

/** Environment variables of an element's command, by the same names on every grid. */
export const elementVariables = [
  /** Its number. */
  'GVA_ELEMENT',
  /** What the grid calls it: that of the array, "_", its number. */
  'GVA_JOB',
  'GVA_NODE',
  /** How often the grid itself has begun it anew. */
  'GVA_RESTARTS',
  /** As allocated, which may be more than was asked for. */
  'GVA_CPUS',
  /** Bytes, as allocated; empty where the grid does not say. */
  'GVA_MEMORY',
] as const;

/** What the grid says of one element. */
export interface ElementState {
  /** Name of its array. */
  readonly array: string;
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
  /** The grid could not start it on the node, or its log could not be opened. */
  | 'launch-failed';
