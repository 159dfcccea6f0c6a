import { existsSync } from 'node:fs';
import { GvaError } from '../src/system/errors.js';
import { type Figure, median, quartiles } from './benchmark.js';
import { type BenchmarkResult, readBenchmarkResult, resultFiles } from './results.js';

/** From here on a figure is worse, if the spread of the samples leaves no doubt. */
export const worseFrom = 1.25;

export interface Comparison {
  readonly benchmark: string;
  readonly what: string;
  readonly unit: Figure['unit'];
  /** Medians. */
  readonly before: number;
  readonly after: number;
  /** After / before. */
  readonly ratio: number;
  /** The least and the most that the middle halves of the samples allow. */
  readonly ratioLow: number;
  readonly ratioHigh: number;
  /** `other`: another program's or the machine's, which says nothing of GVA. */
  readonly change: 'worse' | 'better' | 'same' | 'other';
}

/**
 * Figures that two results both have, of the benchmarks that both have. Of all figures less is better. One is worse, or
 * better, where the medians differ by more than a quarter and the middle halves of the samples do not meet.
 */
export function compareResults(
  before: readonly BenchmarkResult[],
  after: readonly BenchmarkResult[],
): Comparison[] {
  return before.flatMap((first) => {
    const second = after.find(({ benchmark }) => benchmark === first.benchmark);
    return (second?.figures ?? []).flatMap((figure) => {
      const match = first.figures.find(({ what, unit }) => what === figure.what && unit === figure.unit);
      const isThere = match && match.samples.length > 0 && figure.samples.length > 0;
      return isThere ? [compareFigures(first.benchmark, match, figure)] : [];
    });
  });
}

function compareFigures(benchmark: string, before: Figure, after: Figure): Comparison {
  const [old, now] = [median(before.samples), median(after.samples)];
  const [oldLow, oldHigh] = quartiles(before.samples);
  const [nowLow, nowHigh] = quartiles(after.samples);
  const ratio = quotient(now, old);
  const other = before.reference === true || after.reference === true;
  const worse = ratio > worseFrom && nowLow > oldHigh;
  const better = ratio < 1 / worseFrom && nowHigh < oldLow;
  return {
    ...{ benchmark, what: after.what, unit: after.unit, before: old, after: now, ratio },
    ratioLow: quotient(nowLow, oldHigh),
    ratioHigh: quotient(nowHigh, oldLow),
    change: other ? 'other' : worse ? 'worse' : better ? 'better' : 'same',
  };
}

/** Nothing against nothing is the same. */
const quotient = (a: number, b: number) => (a === b ? 1 : a / b);

/**
 * Results that are meant by a file or by a day (2026-11-30: all benchmarks of that day).
 *
 * @throws GvaError BENCH_RESULT
 */
export async function findResults(word: string): Promise<BenchmarkResult[]> {
  const files = /^\d{4}-\d\d-\d\d$/.test(word) ? await resultFiles(word) : existsSync(word) ? [word] : [];
  if (files.length === 0)
    throw new GvaError('BENCH_RESULT', `there is no result ${word}`, {
      hint: 'Name a file, or a day that files in bench/results begin with.',
    });
  return Promise.all(files.map(readBenchmarkResult));
}
