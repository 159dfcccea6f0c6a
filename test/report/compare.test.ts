import { describe, expect, test } from 'vitest';
import { NotComparable, compareTables } from '../../src/report/compare.js';
import { type TestRow, tableOf } from './fixture.js';

const rows: TestRow[] = [1, 2, 3, 4].map((n) => ({ n, area: n * n, word: 'x', gva_total_s: n }));
const compare = (
  first: readonly TestRow[],
  second: readonly TestRow[],
  tolerance = 0,
  parameters: readonly [string[], string[]] = [['n'], ['n']],
) => compareTables(tableOf(parameters[0], first), tableOf(parameters[1], second), { tolerance, listed: 2 });

describe('two sweeps', () => {
  test('are the same in whatever order their points are, and however long they took', () => {
    const slower = rows.toReversed().map((row) => ({ ...row, gva_total_s: 2 * Number(row['gva_total_s']) }));
    const result = compare(rows, slower);
    expect(result).toMatchObject({ equal: true, differing: 0, joinedBy: ['n'], points: { both: 4 } });
    expect(result.durations).toEqual([
      { name: 'gva_total_s', first: { median: 3, sum: 10 }, second: { median: 6, sum: 20 }, ratio: 2 },
    ]);
  });

  test('differ in states, results, and points that one has alone', () => {
    const other: TestRow[] = [
      { n: 1, area: 1.5, word: 'x' },
      { n: 2, gva_state: 'failed' },
      { n: 3, area: 9, word: 'y' },
      { n: 5, area: 25, word: 'x' },
    ];
    const result = compare(rows, other);
    expect(result).toMatchObject({
      ...{ equal: false, differing: 3, points: { both: 3, onlyFirst: 1, onlySecond: 1 } },
      states: [{ first: 'done', second: 'failed', points: 1 }],
    });
    expect(result.results[0]).toEqual({
      ...{
        name: 'area',
        compared: 2,
        differing: 2,
        largest: 0.5,
        largestRelative: expect.closeTo(1 / 3) as number,
      },
    });
    // As many as are listed.
    expect(result.differences).toEqual([
      {
        ...{ first: 0, second: 0, parameters: { n: '1' } },
        changes: [{ name: 'area', first: '1', second: '1.5' }],
      },
      {
        ...{ first: 1, second: 1, parameters: { n: '2' } },
        changes: [
          { name: 'state', first: 'done', second: 'failed' },
          { name: 'area', first: '4', second: '' },
          { name: 'word', first: 'x', second: '' },
        ],
      },
    ]);
  });

  test('are the same within a tolerance, which texts do not have', () => {
    const near = rows.map((row) => ({ ...row, area: Number(row['area']) * (1 + 1e-10) }));
    expect(compare(rows, near).equal).toBe(false);
    expect(compare(rows, near, 1e-9)).toMatchObject({
      equal: true,
      results: [{ differing: 0 }, { differing: 0 }],
    });
    const other = rows.map((row) => ({ ...row, word: 'y' }));
    expect(compare(rows, other, 0.9).equal).toBe(false);
  });

  test('differ where one has a result that the other has not', () => {
    const more = rows.map((row) => ({ ...row, more: 1 }));
    expect(compare(rows, more)).toMatchObject({ equal: false, differing: 0, onlySecond: ['more'] });
  });

  test('are joined by the parameters that both have', () => {
    const wide = rows.map((row) => ({ ...row, mode: 'fast' }));
    expect(compare(rows, wide, 0, [['n'], ['n', 'mode']]).points.both).toBe(4);
  });

  test('cannot be compared where points cannot be told apart', () => {
    const twice = [...rows, { n: 1, area: 1 }];
    expect(() => compare(rows, twice)).toThrow(/several points of the second have the same n/);
    expect(() => compare(rows, rows, 0, [['n'], ['m']])).toThrow(NotComparable);
  });
});
