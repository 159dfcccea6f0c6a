import { describe, expect, it } from 'vitest';
import type { Figure } from '../../bench/benchmark.js';
import { benchmarks } from '../../bench/benchmarks.js';
import { type BenchmarkResult, newestResults, verdict } from '../../bench/results.js';
import { type NamedFigure, missedReasons, namedFigures } from '../../bench/targets.js';
import { targetsTable } from '../../tools/performance-page.js';

const named = await namedFigures();
const results = await newestResults();

describe('bench/targets.json', () => {
  it('names each figure once, of a benchmark that there is', () => {
    expect(new Set(named.map(({ name }) => name)).size).toBe(named.length);
    const there = benchmarks.map(({ name }) => name);
    expect(named.filter(({ benchmark }) => !there.includes(benchmark))).toEqual([]);
  });

  it('has every figure that has a target in the last result of its benchmark, with that target and unit', () => {
    // A result that has none of them is of a version that called them otherwise, and is shown as not measured.
    const isOld = ({ benchmark, figures }: BenchmarkResult) =>
      !figures.some(({ what }) => named.some((one) => one.benchmark === benchmark && one.what === what));
    const current = [...results.values()].filter((result) => !isOld(result));
    expect(current.length).toBeGreaterThan(8);
    const wrong = current.flatMap(({ benchmark, figures }) =>
      figures
        .filter(({ target }) => target !== undefined)
        .filter(({ what, target, unit }) => {
          const one = named.find((each) => each.benchmark === benchmark && each.what === what);
          return one?.unit !== unit || Math.abs(one.target - (target ?? NaN)) > 1e-9;
        })
        .map(({ what, target }) => `${benchmark}: ${what} (${target})`),
    );
    expect(wrong).toEqual([]);
  });

  it('has the names that bench/missed.json has reasons for', async () => {
    const names = named.map(({ name }) => name);
    expect(Object.keys(await missedReasons()).filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe('targetsTable', () => {
  const one: NamedFigure = {
    ...{ name: 'it', benchmark: 'made', what: 'it takes', says: 'It', unit: 's', target: 2 },
  };

  function table(samples: number[], figure: NamedFigure = one, reasons = {}): string {
    const taken: Figure = { what: 'it takes', unit: 's', samples };
    const result: BenchmarkResult = {
      ...{ benchmark: 'made', date: '2026-01-02T00:00:00.000Z', gva: '1', node: 'v20' },
      machine: { cpu: 'a', cores: 2, memory: 1, kernel: '6' },
      load: { before: [0], after: [0] },
      figures: [{ ...taken, median: NaN, verdict: verdict(taken) }],
    };
    return targetsTable([figure], new Map([['made', result]]), reasons);
  }

  it('says what is met, with the spread', () => {
    expect(table([1, 3, 1.5])).toContain('| It | 1.5 s | 1 - 3 | 2 s | met | 2026-01-02 |');
  });

  it('says why something is missed, or refuses', () => {
    const text = table([3], one, { it: 'It is slow.' });
    expect(text).toContain('| It | 3 s | one run | 2 s | missed (1) | 2026-01-02 |');
    expect(text).toContain('\n1. It is slow.');
    expect(() => table([3])).toThrow('it (It) was missed: bench/missed.json must say why');
  });

  it('says what was not measured', () => {
    expect(table([1], { ...one, what: 'another' })).toContain('| It |  |  | 2 s | not measured |  |');
    expect(table([1], { ...one, benchmark: 'none' })).toContain('0 of 1 are met, 0 missed, 1 not measured');
  });

  it('shows rates as rates', () => {
    const text = table([0.5, 1, 0.75], { ...one, target: 0.6, perMinute: true }, { it: 'Why.' });
    expect(text).toContain('| It | 80 a minute | 60 - 120 | 100 a minute | missed (1) | 2026-01-02 |');
  });
});
