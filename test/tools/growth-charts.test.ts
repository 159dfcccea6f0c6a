import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RecordedFigure } from '../../bench/results.js';
import { packageRoot } from '../../src/system/package.js';
import { chartFile, growthChart, growths, growthsOf } from '../../tools/growth-charts.js';

const figure = (series: string, at: number, samples: number[], limit?: true): RecordedFigure => ({
  ...{ what: `${series}: ${at}`, unit: 's', samples, median: NaN, verdict: '' },
  growth: { series, at, ...(limit ? { limit } : {}) },
});

it('series are put together, with their limits', () => {
  const figures = [
    ...[figure('files', 1, [2, 3, 4]), figure('files', 1, [1], true)],
    ...[figure('files', 10, [30]), figure('files', 10, [10], true), figure('points', 5, [1])],
  ];
  expect(growthsOf(figures)).toEqual([
    { series: 'files', at: [1, 10], own: [3, 30], limit: [1, 10] },
    { series: 'points', at: [5], own: [1], limit: [] },
  ]);
});

it('a chart has what was measured, the fit and the limit', () => {
  const chart = growthChart({ series: 'files', at: [1, 10, 100], own: [1, 9, 110], limit: [0.5, 5, 50] });
  for (const text of ['GVA', 'GVA, fitted', 'the limit', 'files']) expect(chart).toContain(`>${text}<`);
});

it('the charts of the documentation are those of the last result (npm run docs)', async () => {
  for (const each of await growths())
    expect(await readFile(join(packageRoot, chartFile(each)), 'utf8')).toBe(growthChart(each));
});
