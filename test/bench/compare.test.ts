import { describe, expect, it } from 'vitest';
import { type Figure, joinRuns, quartiles } from '../../bench/benchmark.js';
import { compareResults, findResults } from '../../bench/compare.js';
import { type BenchmarkResult, verdict } from '../../bench/results.js';

function resultOf(...figures: Figure[]): BenchmarkResult {
  return {
    ...{ benchmark: 'made', date: '2026-01-01T00:00:00.000Z', gva: '1', node: 'v20' },
    machine: { cpu: 'a', cores: 2, memory: 1, kernel: '6' },
    load: { before: [0], after: [0] },
    figures: figures.map((figure) => ({ ...figure, median: NaN, verdict: verdict(figure) })),
  };
}

const seconds = (...samples: number[]): Figure => ({ what: 'it', unit: 's', samples });

/** What the one figure has become. */
const change = (before: Figure, after: Figure) =>
  compareResults([resultOf(before)], [resultOf(after)]).map((one) => one.change);

describe('compareResults', () => {
  it('calls worse what is more than a quarter above and does not meet the old samples', () => {
    expect(change(seconds(1, 1.1, 1.2), seconds(1.5, 1.6, 1.7))).toEqual(['worse']);
    expect(change(seconds(1.5, 1.6, 1.7), seconds(1, 1.1, 1.2))).toEqual(['better']);
  });

  it('does not where the samples of both are among each other', () => {
    expect(change(seconds(1, 1.1, 1.2, 3, 3), seconds(1, 1.6, 1.7))).toEqual(['same']);
  });

  it('does not where it is less than a quarter, however sure', () => {
    expect(change(seconds(1, 1, 1), seconds(1.24, 1.24, 1.24))).toEqual(['same']);
    expect(change(seconds(1), seconds(1.26))).toEqual(['worse']);
  });

  it('calls nothing worse that is not of GVA', () => {
    const other = (...samples: number[]): Figure => ({ ...seconds(...samples), reference: true });
    expect(change(other(1), other(9))).toEqual(['other']);
    expect(change(seconds(1), other(9))).toEqual(['other']);
  });

  it('compares what both have only', () => {
    const only: Figure = { what: 'new', unit: 'ms', samples: [1] };
    expect(change(seconds(1), only)).toEqual([]);
    expect(compareResults([{ ...resultOf(seconds(1)), benchmark: 'b' }], [resultOf(seconds(9))])).toEqual([]);
  });

  it('gives the ratio of the medians, and what the middle halves allow', () => {
    const [one] = compareResults([resultOf(seconds(2, 3, 4))], [resultOf(seconds(4, 6, 8))]);
    expect(one).toMatchObject({ before: 3, after: 6, ratio: 2 });
    expect(one?.ratioLow).toBeCloseTo(5 / 3.5);
    expect(one?.ratioHigh).toBeCloseTo(7 / 2.5);
  });

  it('takes nothing against nothing for the same', () => {
    expect(change(seconds(0), seconds(0))).toEqual(['same']);
  });
});

it('the middle half of samples is between the hinges', () => {
  expect(quartiles([5, 1, 4, 2, 3])).toEqual([2, 4]);
  expect(quartiles([4, 1, 2, 3])).toEqual([1.5, 3.5]);
  expect(quartiles([7])).toEqual([7, 7]);
});

it('runs are joined figure by figure', () => {
  const other: Figure = { what: 'other', unit: 'MB', samples: [9], target: 8 };
  expect(joinRuns([[seconds(1), other], [seconds(2, 3)]])).toEqual([seconds(1, 2, 3), other]);
});

describe('findResults', () => {
  it('takes a day for all results of it', async () => {
    const results = await findResults('2026-11-22');
    expect(results.map(({ benchmark }) => benchmark)).toContain('cold-start');
    expect(new Set(results.map(({ date }) => date.slice(0, 10)))).toEqual(new Set(['2026-11-22']));
  });

  it('takes a file, and says what there is not', async () => {
    expect(await findResults('bench/results/2026-11-22-ova.json')).toHaveLength(1);
    await expect(findResults('2001-01-01')).rejects.toThrow('no result 2001-01-01');
    await expect(findResults('nowhere.json')).rejects.toThrow('no result nowhere.json');
  });
});
