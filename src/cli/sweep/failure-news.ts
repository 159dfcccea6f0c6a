import type { FailedPoint } from '../../model/sweep-status.js';

/** Tells which of the last failures, the newest first, were not there the time before; they come in order. */
export function failureNews(): (failures: readonly FailedPoint[]) => FailedPoint[] {
  let before: ReadonlySet<string> = new Set();
  return (failures) => {
    const keys = failures.map((failure) => JSON.stringify(failure));
    const news = failures.filter((_, index) => !before.has(keys[index] ?? ''));
    before = new Set(keys);
    return news.reverse();
  };
}
