import { findSweep } from '../sweep/observe/find.js';
import { readRows } from '../sweep/observe/rows.js';

/** A row of the table of results, by the names of its columns (docs/sweeps.md, "What comes out"). */
export type ResultsRow = Readonly<Record<string, string | number | boolean | null>>;

/**
 * The table of results of a sweep as it was written last, row after row, in the order of the plan. It is read as a stream:
 * a million rows need no more memory than one.
 *
 * @param sweep folder, or name of one of your sweeps
 * @throws GvaError SWEEP_UNKNOWN, SWEEP_AMBIGUOUS, RESULTS_MISSING, RESULTS_UNREADABLE
 */
export async function* readResults(
  sweep: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<ResultsRow, undefined> {
  signal?.throwIfAborted();
  for await (const row of readRows(await findSweep(sweep))) {
    signal?.throwIfAborted();
    yield row;
  }
}
