import { XmlDocument } from 'libxml2-wasm';
import { describe, expect, test } from 'vitest';
import { formatNumber, formatSeconds, formatShare } from '../../src/report/chart/numbers.js';
import { plotKinds } from '../../src/report/chart/plot.js';
import { linearScale, logScale, niceDomain } from '../../src/report/chart/scale.js';
import { firstPlot } from '../../src/report/first-plot.js';
import { NoPlot, type SvgWish, svgPlot } from '../../src/report/svg-plot.js';
import { type TestRow, tableOf } from './fixture.js';

const grid: TestRow[] = [0, 1, 2, 3].flatMap((x) =>
  ['a', 'b'].flatMap((mode) =>
    [1, 2].map((seed) => ({ x, mode, seed, y: x * x + (mode === 'a' ? 0 : 5) + seed / 10 })),
  ),
);
const table = tableOf(['x', 'mode', 'seed'], grid);
const svg = (wish: Partial<SvgWish>, of = table) =>
  svgPlot(of.columns, of.rows, { width: 640, height: 400, ...wish });

/** What is in a well-formed document. */
function look(text: string) {
  using document = XmlDocument.fromString(text);
  const namespaces = { s: 'http://www.w3.org/2000/svg' };
  const find = (name: string) => document.root.find(`//s:${name}`, namespaces);
  return {
    circles: find('circle').length,
    texts: find('text').map(({ content }) => content),
    title: find('title')[0]?.content,
  };
}

describe('an SVG', () => {
  test('of lines has a line and a band for each series, and both titles', () => {
    const { texts, title, circles } = look(svg({ kind: 'lines', x: 'x', y: 'y', colour: 'mode' }));
    expect(texts).toEqual(expect.arrayContaining(['x', 'y', 'a', 'b']));
    expect(title).toBe('16 points: y against x, a line for each mode');
    expect(circles).toBe(8);
  });

  test('of dots has one for each point', () => {
    expect(look(svg({ kind: 'scatter', x: 'x', y: 'y' })).circles).toBe(16);
  });

  test('of a heat map has the mean in each field', () => {
    const { texts, title } = look(svg({ kind: 'heat', x: 'x', y: 'mode', colour: 'y' }));
    expect(texts).toEqual(expect.arrayContaining(['0', '1', '2', '3', 'a', 'b', 'y']));
    // From 0 + (0.1 + 0.2) / 2 to 9 + 5 + (0.1 + 0.2) / 2.
    expect(texts).toEqual(expect.arrayContaining(['0.15', '14.15']));
    expect(title).toContain('mean of the points in each field');
  });

  test('of a histogram has all points in its bars', () => {
    const values = [...new Array<number>(9).fill(1), 5, 5, 10];
    const of = tableOf(
      ['n'],
      values.map((v) => ({ n: v })),
    );
    const text = svg({ kind: 'histogram', y: 'n', height: 400 }, of);
    const heights = [...text.matchAll(/<rect [^>]*height="([\d.]+)" fill="#0b6fa4"/g)].map(([, height]) =>
      Number(height),
    );
    const unit = Math.max(...heights) / 9;
    expect(heights.map((height) => Math.round(height / unit)).filter((points) => points > 0)).toEqual([
      9, 2, 1,
    ]);
  });

  test('is the same each time, and has texts of guests as text', () => {
    const of = tableOf(
      ['<p>'],
      [
        { '<p>': '</svg><script>', y: 1 },
        { '<p>': '&\u0007', y: 2 },
      ],
    );
    for (const kind of plotKinds) {
      const text = svg({ kind, x: '<p>', y: 'y', colour: '<p>' }, of);
      expect(text).toBe(svg({ kind, x: '<p>', y: 'y', colour: '<p>' }, of));
      expect(text).not.toContain('<script');
      look(text);
    }
  });

  test('has logarithmic axes where they are wanted', () => {
    const of = tableOf(
      ['n'],
      [1, 10, 100, 1000].map((n) => ({ n, y: n })),
    );
    expect(look(svg({ x: 'n', y: 'y', logX: true }, of)).texts).toEqual(
      expect.arrayContaining(['1', '10', '100', '1,000']),
    );
  });

  test('of very many points stays small', () => {
    const of = tableOf(
      ['n'],
      Array.from({ length: 30_000 }, (_, n) => ({ n, y: n % 7 })),
    );
    expect(look(svg({ kind: 'scatter', x: 'n', y: 'y' }, of)).circles).toBeLessThan(30_000);
  });

  test('there is none of a column that is not there, or has no values', () => {
    expect(() => svg({ x: 'z', y: 'y' })).toThrow(NoPlot);
    expect(() => svg({ x: 'x', y: 'gva_status' })).toThrow(/no point has both/);
  });
});

describe('the plot that is shown first', () => {
  const of = (parameters: readonly string[], rows: readonly TestRow[]) => {
    const made = tableOf(parameters, rows);
    return firstPlot(made.columns, made.rows);
  };

  test('has lines of what makes a difference, which a seed does not', () => {
    expect(firstPlot(table.columns, table.rows)).toEqual({ kind: 'lines', x: 'x', y: 'y', colour: 'mode' });
  });

  test('is a map of two fine parameters', () => {
    const rows = Array.from({ length: 400 }, (_, index) => ({
      a: index % 20,
      b: Math.floor(index / 20),
      r: index,
    }));
    expect(of(['a', 'b'], rows)).toMatchObject({ kind: 'heat', colour: 'r' });
  });

  test('is of times where programs left no numbers', () => {
    expect(of(['n'], [{ n: 1 }, { n: 2 }])).toMatchObject({ y: 'gva_total_s' });
    expect(of([], [{}])).toMatchObject({ kind: 'histogram' });
  });
});

describe('scales', () => {
  test('have round ticks between their ends', () => {
    const { ticks, at } = linearScale([0, 1], [0, 100], { count: 5 });
    expect(ticks.map(({ label }) => label)).toEqual(['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']);
    expect(at(0.5)).toBe(50);
    expect(niceDomain(0.13, 9.7)).toEqual([0, 10]);
    expect(niceDomain(5, 5)).toEqual([2.5, 7.5]);
    expect(logScale([1, 1000], [0, 300]).at(10)).toBeCloseTo(100);
    expect(logScale([1, 1000], [0, 300]).at(0)).toBeNaN();
  });

  test.each([
    [1234.5678, '1,235'],
    [0.000012, '1.2e-5'],
    [-0.5, '-0.5'],
    [12_345_678, '12,345,678'],
    [2e12, '2e12'],
    [0, '0'],
  ])('%d is written %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  test('durations and shares are written so that nothing is hidden', () => {
    expect([0.012, 5.125, 61, 7380, 100_000].map(formatSeconds)).toEqual([
      '12 ms',
      '5.13 s',
      '1m01s',
      '2h03m',
      '1d03h',
    ]);
    expect(formatShare(49_999, 50_000)).toBe('> 99.9 %');
    expect(formatShare(1, 50_000)).toBe('< 0.1 %');
  });
});
