import type { Interval } from './pace.js';
import type { GridEngine, GridOptions } from './engine.js';

/** How a sweep uses a grid. */
export interface GridSettings {
  readonly engine: GridEngine;
  readonly options: GridOptions;
  /** File in the sweep's folder that says what all elements have in common. */
  readonly work: string;
  /** What an element runs. @param chunk absolute path of the chunk's folder */
  readonly command: (chunk: string) => readonly string[];
  /** Name of the sweep, for the names of its jobs. */
  readonly name: string;
  /** Seconds that each job is given; undefined: by the points' own limit, else as the grid says. */
  readonly time: number | undefined;
  /** Elements of an array that run at once, at most. */
  readonly atOnce: number | undefined;
  /** Elements that wait or run, at most; as usual where absent. */
  readonly mostJobs?: number;
  /** Points of an element; undefined: so many that it runs for minutes. */
  readonly bundle: number | undefined;
  /** Factors by which memory and time grow where a job had too little; 1: they do not. */
  readonly growth: { readonly memory: number; readonly time: number };
  /** When all is submitted, this client ends: the jobs go on. */
  readonly leave: boolean;
  /** What a last job is to run after all others, when this client ends before them; undefined: there is none. */
  readonly summary: readonly string[] | undefined;
  /** Between two looks; as usual where absent. */
  readonly interval?: Interval;
  /** Seconds to wait for files that a file server shows late, instead of the usual ones. */
  readonly patience?: number;
}

/** Elements that wait or run, at most, where nobody says otherwise: a grid has other users. */
export const usualMostJobs = 5000;
