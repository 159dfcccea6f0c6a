import { describe, expect, test } from 'vitest';
import { cellNumber, cellText, columnNamed } from '../../src/report/columns.js';
import { namedPoints } from '../../src/report/failures.js';
import { FilterError, parseFilter } from '../../src/report/filter.js';
import { durationsOf } from '../../src/report/summary.js';
import { csvOf, sortRows } from '../../src/report/table-text.js';
import { concurrency, timelineOf } from '../../src/report/timeline.js';
import { type TestRow, tableOf } from './fixture.js';

const texts = ({ columns, rows }: ReturnType<typeof tableOf>, name: string) => {
  const column = columnNamed(columns, name)!;
  return Array.from({ length: rows }, (_, row) => cellText(column, row));
};

describe('the table by columns', () => {
  test('has every cell as it was, whatever a column has', () => {
    const table = tableOf(
      ['n'],
      [
        { n: 1, area: 1.5, note: 'a', ok: true, mixed: 7, gva_started: '2026-01-02T03:04:05.006Z' },
        { n: 2, area: 'nan', note: null, ok: false, mixed: '7a' },
        { n: 3, late: -0.25 },
      ],
    );
    expect(texts(table, 'n')).toEqual(['1', '2', '3']);
    expect(texts(table, 'area')).toEqual(['1.5', 'nan', '']);
    expect(texts(table, 'ok')).toEqual(['true', 'false', '']);
    expect(texts(table, 'mixed')).toEqual(['7', '7a', '']);
    expect(texts(table, 'late')).toEqual(['', '', '-0.25']);
    expect(texts(table, 'gva_started')).toEqual(['2026-01-02T03:04:05.006Z', '', '']);
    expect(columnNamed(table.columns, 'area')).toMatchObject({ kind: 'number', role: 'result' });
    expect(cellNumber(columnNamed(table.columns, 'area')!, 1)).toBeNaN();
    expect(table.counts).toMatchObject({ done: 3, failed: 0, pending: 0 });
  });

  test('says what is not in it', () => {
    const many: TestRow = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`r${index}`, index]));
    const table = tableOf(['n'], [{ n: 1, ...many, r0: 'x'.repeat(1000) }]);
    expect(table.columns.length).toBeLessThanOrEqual(200);
    expect(table.notes.join(' ')).toMatch(
      /columns of results are not in this report.*Long texts are cut: r0/,
    );
    expect(texts(table, 'r0')[0]).toHaveLength(301);
  });
});

test('failures are grouped by state, cause and status, and what their points have in common is told', () => {
  const failed = { gva_state: 'failed', gva_cause: 'script-status', gva_status: 3 };
  const { failures } = tableOf(
    ['size', 'mode'],
    [
      { size: 1, mode: 'a' },
      ...Array.from({ length: 60 }, (_, index) => ({ size: index, mode: 'b', ...failed })),
      { size: 5, mode: 'a', gva_state: 'lost', gva_cause: 'STAGE: no /dev/x' },
      { size: 6, mode: 'a', gva_state: 'lost', gva_cause: 'STAGE: no /dev/y' },
      { size: 7, mode: 'a', gva_state: 'failed', gva_cause: 'script-status', gva_status: 4 },
    ],
  );
  expect(failures.map(({ state, cause, status, count }) => [state, cause, status, count])).toEqual([
    ['failed', 'script-status', 3, 60],
    ['lost', 'STAGE', null, 2],
    ['failed', 'script-status', 4, 1],
  ]);
  expect(failures[0]).toMatchObject({ common: [{ name: 'mode', value: 'b' }] });
  expect(failures[0]!.points).toEqual(Array.from({ length: namedPoints }, (_, index) => index + 1));
});

describe('the timeline', () => {
  const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
  const run = (start: number, total: number, rest: TestRow = {}): TestRow => ({
    ...{ gva_started: at(start), gva_stage_s: 1, gva_boot_s: 2, gva_script_s: total - 5, gva_shutdown_s: 1 },
    ...{ gva_total_s: total, ...rest },
  });
  const of = (rows: readonly TestRow[]) => {
    const table = tableOf([], rows);
    return timelineOf(table.columns, table.rows);
  };

  test('has a lane for each of those that ran at once, and the ends of all phases', () => {
    const { runs, lanes, span } = of([run(0, 10), run(2, 10), run(11, 10), { gva_state: 'pending' }]);
    expect(runs.map(({ row, lane, start }) => [row, lane, start])).toEqual([
      ...[
        [0, 0, 0],
        [1, 1, 2],
        [2, 0, 11],
      ],
    ]);
    expect(runs[1]!.ends).toEqual([3, 5, 10, 11, 12]);
    expect([lanes, span]).toEqual([2, 21]);
  });

  test('gives what is left to the phase that did not end', () => {
    const { runs } = of([run(0, 30, { gva_script_s: null, gva_shutdown_s: null })]);
    expect(runs[0]!.ends).toEqual([1, 3, 30, 30, 30]);
  });

  test('cuts long pauses, and says how long they were', () => {
    const { pauses, span, runs } = of([run(0, 10), run(1000, 10)]);
    expect(pauses).toEqual([{ at: expect.closeTo(10.2) as number, seconds: 990 }]);
    expect(span).toBeCloseTo(20.4);
    expect(runs[1]!.start).toBeCloseTo(10.4);
  });

  test('counts in each bin what ran, by phase', () => {
    const counts = concurrency(of([run(0, 10), run(0, 10)]), 10);
    expect(Array.from(counts.script)).toEqual([0, 0, 0, 2, 2, 2, 2, 2, 0, 0]);
    expect(Array.from(counts.boot)).toEqual([0, 2, 2, 0, 0, 0, 0, 0, 0, 0]);
    const sum = Object.values(counts).reduce((all, bins) => all + bins.reduce((a, b) => a + b, 0), 0);
    expect(sum).toBeCloseTo(20);
  });
});

test('durations are of what is known', () => {
  const { columns, rows } = tableOf(
    [],
    [3, 1, null, 2].map((value) => ({ gva_total_s: value })),
  );
  expect(durationsOf(columnNamed(columns, 'gva_total_s'), rows)).toEqual({
    ...{ count: 3, sum: 6, least: 1, median: 2, p95: 3, most: 3 },
  });
  expect(durationsOf(columnNamed(columns, 'gva_boot_s'), rows)).toBeUndefined();
});

describe('a filter', () => {
  const { columns, rows } = tableOf(
    ['n', 'mode'],
    [
      { n: 1, mode: 'fast', area: 1 },
      { n: 2, mode: 'very slow', area: 4, gva_state: 'failed' },
      { n: 30, mode: 'Fast', note: 'disk is full' },
    ],
  );
  const found = (text: string) => {
    const test = parseFilter(text, columns);
    return Array.from({ length: rows }, (_, row) => row).filter(test);
  };

  test.each([
    ['', [0, 1, 2]],
    ['n>1', [1, 2]],
    ['n >= 2 n<=2', [1]],
    ['n=30', [2]],
    ['n=30.0', [2]],
    ['mode=fast', [0]],
    ['mode="very slow"', [1]],
    ['state!=done', [1]],
    ['note~DISK', [2]],
    ['fast', [0, 2]],
    ['1', [1]],
    ['area<9', [0, 1]],
    ['nothing', []],
  ])('%s', (text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  test.each(['x>1', 'n>a', 'mode<3'])('%s is refused', (text) => {
    expect(() => found(text)).toThrow(FilterError);
  });
});

test('rows are sorted by numbers or by texts with their numbers, what is empty last', () => {
  const { columns } = tableOf(
    ['n'],
    [{ n: 10, word: 'f10' }, { n: 9, word: 'f9' }, { n: 1 }, { word: 'F1' }],
  );
  const sorted = (name: string, descending: boolean) => {
    const rows = Int32Array.from([0, 1, 2, 3]);
    sortRows(rows, columnNamed(columns, name)!, descending);
    return Array.from(rows);
  };
  expect(sorted('n', false)).toEqual([2, 1, 0, 3]);
  expect(sorted('n', true)).toEqual([0, 1, 2, 3]);
  expect(sorted('word', false)).toEqual([3, 1, 0, 2]);
});

test("CSV of a report makes no formula of a guest's words", () => {
  const { columns } = tableOf(
    ['p'],
    [
      { p: '=1', note: '=1+2', '=x': '-5' },
      { p: 'a,b', note: 'say "hi"' },
    ],
  );
  expect(csvOf(columns, [1, 0])).toBe(
    "gva_point,p,gva_state,gva_cause,gva_status,note,'=x\r\n" +
      '1,"a,b",done,,,"say ""hi""",\r\n' +
      "0,=1,done,,,'=1+2,-5\r\n",
  );
});
