/** Rows that one instance computed. */
export interface Strip {
  /** Number of the first row, from 0 at the top. */
  readonly first: number;
  /** Number of rows. */
  readonly count: number;
  /** Iterations of each point, row by row. */
  readonly counts: Uint8Array;
  /** Of the instance's results. */
  readonly folder: string;
  /** The instance's line in results.csv, by the names of the columns. */
  readonly row: Readonly<Record<string, string>>;
}

export const width: number;
export const height: number;
export const maxIterations: number;
export function readStrips(sweepFolder: string): Promise<Strip[]>;
export function joinStrips(strips: readonly Pick<Strip, 'first' | 'count' | 'counts'>[]): Buffer;
export function paint(counts: Uint8Array): Buffer;
export function colourOf(count: number): [red: number, green: number, blue: number];
