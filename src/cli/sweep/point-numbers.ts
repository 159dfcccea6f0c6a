import { GvaError } from '../../system/errors.js';

/** Numbers in one request; a request for more is one for all, or for a state. */
const most = 1_000_000;

/**
 * Numbers of points from words like `7` and `10-20`, each once, ascending.
 *
 * @param points number of points of the sweep
 * @throws GvaError USAGE
 */
export function pointNumbers(words: readonly string[], points: number): number[] {
  const numbers = new Set<number>();
  for (const word of words) {
    const match = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(word);
    const first = Number(match?.[1] ?? NaN);
    const last = Number(match?.[2] ?? first);
    if (!match || last < first)
      throw new GvaError('USAGE', `${word} is no number of a point`, { hint: 'For example: 7 12 100-199' });
    if (last >= points)
      throw new GvaError('USAGE', `there is no point ${last}: the sweep has ${points}, from 0 on`);
    if (numbers.size + last - first >= most)
      throw new GvaError('USAGE', `more than ${most} points cannot be named at once`);
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}
