import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { globMatcher } from '../../src/sweep/plan/glob.js';
import { type PlanFolder, makePlanFolder } from './plan-fixture.js';

let home: PlanFolder;
beforeAll(async () => {
  home = await makePlanFolder();
});
afterAll(() => home[Symbol.asyncDispose]());

const values = (name: string, entry: string) => home.column(`parameters: { ${name}: ${entry} }`, name);
/** Of `parameters: { NAME: ENTRY }` in the first line. */
const mistakes = (name: string, entry: string) => home.mistakes(`parameters: { ${name}: ${entry} }`);

describe('values', () => {
  test.each([
    ['x', '{ linear: [0, 1, 11] }', [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]],
    ['x', '{ linear: [1, -1, 3] }', [1, 0, -1]],
    ['n', '{ linear: [0, 10, 4] }', [0, 3, 7, 10]],
    ['m', '{ linear: [5, -5, 3] }', [5, 0, -5]],
    ['m', '{ linear: [0, 3, 3] }', [0, 2, 3]],
    ['x', '{ log: [0.001, 1000, 7] }', [0.001, 0.01, 0.1, 1, 10, 100, 1000]],
    ['x', '{ log: [100, 1, 3] }', [100, 10, 1]],
    ['n', '{ log: [1, 1000, 4] }', [1, 10, 100, 1000]],
    ['n', '{ log: [1, 4, 6] }', [1, 2, 3, 4]],
    ['mode', '{ dates: [2026-01-01, 2026-01-04] }', ['2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04']],
    ['mode', '{ dates: [2026-01-01, 2026-01-31, 2w] }', ['2026-01-01', '2026-01-15', '2026-01-29']],
    [
      'mode',
      '{ dates: [2024-01-31, 2024-05-31, 1 month] }',
      ['2024-01-31', '2024-02-29', '2024-03-31', '2024-04-30', '2024-05-31'],
    ],
    [
      'mode',
      '{ dates: [2024-02-29, 2028-03-01, 1y] }',
      ['2024-02-29', '2025-02-28', '2026-02-28', '2027-02-28', '2028-02-29'],
    ],
    ['mode', '{ dates: [2026-03-01, 2026-01-01, -1month] }', ['2026-03-01', '2026-02-01', '2026-01-01']],
    [
      'mode',
      '{ dates: [2026-01-01T00:00Z, 2026-01-01T12:00Z, 6h] }',
      ['2026-01-01T00:00Z', '2026-01-01T06:00Z', '2026-01-01T12:00Z'],
    ],
    [
      'mode',
      '{ dates: [2026-12-31T23:59:58, 2026-12-31T23:59:59, 1s] }',
      ['2026-12-31T23:59:58', '2026-12-31T23:59:59'],
    ],
  ])('%s: %s', async (name, entry, expected) => {
    expect(await values(name, entry)).toEqual(expected);
  });

  test('integers of a logarithmic run that come out equal are merged, and it is said', async () => {
    const plan = await home.plan('parameters: { n: { log: [1, 4, 6] } }');
    expect(plan.notes()).toEqual(['n: 6 logarithmic steps from 1 to 4 are 4 different integers']);
  });

  test('a year of days, counted without making them', async () => {
    expect((await home.plan('parameters: { mode: { dates: [2024-01-01, 2024-12-31] } }')).points.count).toBe(
      366n,
    );
    const centuries = await home.plan('parameters: { mode: { dates: [0001-01-01, 9999-12-31, 1 month] } }');
    expect(centuries.points.count).toBe(9999n * 12n);
  });

  test('linear integers are all different, both ends among them, whatever the ends', () => {
    const whole = fc.integer({ min: -1000, max: 1000 });
    return fc.assert(
      fc.asyncProperty(whole, whole, fc.nat({ max: 40 }), async (first, last, more) => {
        fc.pre(Math.abs(first - last) > more);
        const found = await values('m', `{ linear: [${first}, ${last}, ${more + 2}] }`);
        expect([found[0], found.at(-1), new Set(found).size]).toEqual([first, last, more + 2]);
      }),
      { numRuns: 25 },
    );
  });

  test('random values hang on the seed and the name alone, and lie between the ends', async () => {
    const x = await values('x', '{ random: [2, 3, 1000], seed: 5 }');
    expect(x).toHaveLength(1000);
    expect(x.every((value) => Number(value) >= 2 && Number(value) < 3)).toBe(true);
    expect((await values('x', '{ random: [2, 3, 10], seed: 5 }')).join()).toBe(x.slice(0, 10).join());
    expect(await values('x', '{ random: [2, 3, 10], seed: 6 }')).not.toEqual(x.slice(0, 10));
    expect(await values('y', '{ random: [2, 3, 10], seed: 5 }')).not.toEqual(x.slice(0, 10));
    const n = await values('n', '{ random: [0, 3, 400] }');
    // Equal points are merged.
    expect(new Set(n)).toEqual(new Set([0, 1, 2, 3]));
    expect(n).toHaveLength(4);
  });
});

describe('paths of files', () => {
  beforeAll(async () => {
    for (const name of [
      'in/b.dat',
      'in/a.dat',
      'in/.hidden.dat',
      'in/c.txt',
      'in2/x.dat',
      'in/sub.dat/y.dat',
      '[1].dat',
    ])
      await home.write(name, '');
  });

  test.each([
    ['in/*.dat', ['in/a.dat', 'in/b.dat']],
    ['./in/?.*', ['in/a.dat', 'in/b.dat', 'in/c.txt']],
    ['in*/*.dat', ['in/a.dat', 'in/b.dat', 'in2/x.dat']],
    ['in/[!a].dat', ['in/b.dat']],
    ['in/.*', ['in/.hidden.dat']],
    ['in/*/*.dat', ['in/sub.dat/y.dat']],
    ['in/c.txt', ['in/c.txt']],
  ])('%s', async (pattern, expected) => {
    expect(await values('mode', `{ matching: '${pattern}' }`)).toEqual(expected);
  });

  test('of several patterns, each once; absolute where the pattern is', async () => {
    expect(await values('mode', `{ matching: ['in/b*', 'in/*.dat'] }`)).toEqual(['in/b.dat', 'in/a.dat']);
    expect(await values('mode', `{ matching: '${home.folder}/in2/*' }`)).toEqual([
      `${home.folder}/in2/x.dat`,
    ]);
  });

  test('a pattern matches as the regular expression that means the same', () => {
    const meanings = { a: 'a', b: 'b', '.': '\\.', '*': '.*', '?': '.', '[ab]': '[ab]', '[!a-b]': '[^a-b]' };
    const tokens = fc.array(fc.constantFrom(...(Object.keys(meanings) as (keyof typeof meanings)[])), {
      maxLength: 6,
    });
    const names = fc
      .array(fc.constantFrom('a', 'b', 'c', '.'), { minLength: 1, maxLength: 6 })
      .map((all) => all.join(''));
    fc.assert(
      fc.property(tokens, names, (parts, name) => {
        const hidden = name.startsWith('.') && parts[0] !== '.';
        const expected = new RegExp(`^${parts.map((part) => meanings[part]).join('')}$`).test(name);
        expect(globMatcher(parts.join(''))(name)).toBe(expected && !hidden);
      }),
    );
  });

  test('many stars take no longer than their number times the length', () => {
    expect(globMatcher(`${'*a'.repeat(100)}b`)('a'.repeat(250))).toBe(false);
  });
});

describe('mistakes', () => {
  test.each([
    ['x', '{ linear: [0, 1] }', '1:28: parameters.x.linear: must be [FIRST, LAST, COUNT]'],
    ['x', '{ linear: [0, 1, 1] }', '1:35: parameters.x.linear.2: must be a whole number from 2 on, not 1'],
    ['x', '{ linear: [1, 1, 3] }', '1:28: parameters.x.linear: FIRST and LAST are the same: one value'],
    ['n', '{ linear: [1, 3, 4] }', '1:28: parameters.n.linear: there are only 3 integers from 1 to 3'],
    [
      'n',
      '{ linear: [1, 2000, 4] }',
      '1:32: parameters.n.linear.1: its last value, 2000, must be at most 1000',
    ],
    ['odd', '{ linear: [1, 5, 5] }', '1:30: parameters.odd.linear: its value 2 must be one of 1, 3, 5'],
    [
      'mode',
      '{ linear: [1, 3, 4] }',
      '1:31: parameters.mode.linear: a string has no ranges: list its values',
    ],
    ['x', '{ log: [0, 1, 3] }', '1:25: parameters.x.log: FIRST and LAST must be greater than 0'],
    ['n', '{ log: [1, 1000, 2000000] }', '1:35: parameters.n.log.2: must be at most 1000000 for integers'],
    ['x', '{ log: [1, .nan, 3] }', '1:29: parameters.x.log.1: must be a number, not NaN'],
    [
      'n',
      '{ dates: [2026-01-01, 2026-01-02] }',
      '1:27: parameters.n.dates: dates are for strings, not for int',
    ],
    ['mode', '{ dates: [2026-02-30, 2026-03-01] }', '1:31: parameters.mode.dates.0: there is no 2026-02-30'],
    [
      'mode',
      '{ dates: [2026-03-01, 2026-02-01] }',
      '1:30: parameters.mode.dates: goes the wrong way: the steps lead away from 2026-03-01',
    ],
    [
      'mode',
      '{ dates: [2026-03-01, 2026-03-02, 6h] }',
      '1:55: parameters.mode.dates.2: a step of less than a day needs dates with a time, as 2026-01-31T06:00',
    ],
    [
      'mode',
      '{ dates: [2026-03-01, 2026-03-02, 0d] }',
      '1:55: parameters.mode.dates.2: the step must be such as 7d, 1 month or 6h (s, min, h, d, w, month, y), not "0d"',
    ],
    [
      'mode',
      '{ dates: [2026-03-01, 2026-03-02T00:00] }',
      '1:30: parameters.mode.dates: FIRST and LAST must be of the same form',
    ],
    [
      'mode',
      '{ dates: [soon, 3] }',
      '1:31: parameters.mode.dates.0: must be a date such as 2026-01-31 or 2026-01-31T06:00, not "soon"',
    ],
    ['n', '{ matching: "*" }', '1:30: parameters.n.matching: paths are for strings, not for int'],
    ['mode', '{ matching: "nothing*" }', '1:33: parameters.mode.matching: no file matches nothing*'],
    [
      'mode',
      '{ matching: "**/a" }',
      '1:33: parameters.mode.matching: ** is not known: name each folder, or use * for one',
    ],
    ['mode', '{ matching: [3] }', '1:34: parameters.mode.matching.0: must be a pattern such as inputs/*.dat'],
    ['x', '{ random: [1, 0, 3] }', '1:28: parameters.x.random: FROM must be less than TO'],
    [
      'x',
      '{ random: [0, 1, 3], seed: x }',
      '1:45: parameters.x.seed: must be a whole number from 0 on, not "x"',
    ],
    [
      'odd',
      '{ random: [1, 5, 2] }',
      '1:30: parameters.odd.random: only some values are declared: list those that are wanted',
    ],
    ['x', '{ log: [1, 2, 3], step: 1 }', '1:36: parameters.x: unknown entry "step"'],
  ])('%s: %s', async (name, entry, expected) => {
    expect((await mistakes(name, entry))[0]).toBe(expected);
  });
});
