import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countPoints } from '../../src/sweep/plan/points.js';
import { checkPlanSize } from '../../src/sweep/plan/size.js';
import { type PlanFolder, makePlanFolder } from './plan-fixture.js';

let home: PlanFolder;
beforeAll(async () => {
  home = await makePlanFolder();
});
afterAll(() => home[Symbol.asyncDispose]());

/** A list for a plan. */
const json = (value: unknown) => JSON.stringify(value);

describe('groups', () => {
  test('in step, crossed with the rest in the order in which they are written', async () => {
    const rows = [
      [1, 'a', 5],
      [1, 'a', 6],
      [2, 'b', 5],
      [2, 'b', 6],
    ];
    const zip = 'zip: { n: [1, 2], mode: [a, b] }';
    expect(await home.rows(`${zip}\nparameters: { m: [5, 6] }`, 'n', 'mode', 'm')).toEqual(rows);
    expect(await home.rows(`parameters: { m: [5, 6] }\n${zip}`, 'm', 'n')).toEqual([
      [5, 1],
      [5, 2],
      [6, 1],
      [6, 2],
    ]);
  });

  test('of groups: groups within zip and cross', async () => {
    const text = `cross:
  - zip:
      - parameters: { n: [1, 2], m: [3, 4] }
      - { points: [{ mode: a }, { mode: b }, { mode: c }, { mode: d }] }
  - parameters: { flag: [true, false] }
`;
    expect((await home.rows(text, 'n', 'm', 'mode', 'flag')).slice(1, 4)).toEqual([
      [1, 3, 'a', false],
      [1, 4, 'b', true],
      [1, 4, 'b', false],
    ]);
    expect((await home.plan(text)).points.count).toBe(8n);
  });

  test('points as they are, with defaults for what one has and another has not', async () => {
    const text = 'points: [{ n: 1 }, { n: 2, mode: b }, { mode: a }]';
    expect(await home.rows(text, 'n', 'mode')).toEqual([
      [1, 'fast'],
      [2, 'b'],
      [7, 'a'],
    ]);
  });

  test('a base, variations, and one at a time; what is the base again is merged', async () => {
    const text = `base: { n: 10, x: 0.5 }
variations: [{ n: [20, 50], x: 0.1 }, { mode: exact }]
one-at-a-time: { x: [0, 0.5, 1] }
`;
    const plan = await home.plan(text);
    expect(await home.rows(text, 'n', 'x', 'mode')).toEqual([
      [10, 0.5, 'fast'],
      [20, 0.1, 'fast'],
      [50, 0.1, 'fast'],
      [10, 0.5, 'exact'],
      [10, 0, 'fast'],
      [10, 1, 'fast'],
    ]);
    expect(plan.notes()).toEqual(['1 point is there more than once, and merged']);
    expect([plan.points.exact, plan.points.count]).toEqual([true, 6n]);
    expect(await home.column('variations: [{ n: 3 }]', 'n')).toEqual([7, 3]);
  });

  test('crossing equals the loops, from any point on, whatever the groups are', () => {
    const list = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 3 });
    return fc.assert(
      fc.asyncProperty(list, list, list, fc.nat({ max: 30 }), async (ns, ms, seeds, from) => {
        const text = `parameters: { n: ${json(ns)} }\nzip: { m: ${json(ms)}, x: ${json(ms)} }\ntable: t.csv`;
        await home.write('t.csv', `seed\n${seeds.join('\n')}\n`);
        const expected = ns.flatMap((n) => ms.flatMap((m) => seeds.map((seed) => [n, m, m, seed])));
        expect(await home.rows(text, 'n', 'm', 'x', 'seed')).toEqual(expected);
        const all = await home.points(text);
        expect(all.map(({ index }) => index)).toEqual(all.map((_, index) => index));
        expect([...(await home.plan(text)).points.points(from)]).toEqual(all.slice(from));
      }),
      { numRuns: 10 },
    );
  });
});

describe('conditions', () => {
  test('leave points out; the rest is numbered without a gap, from any point on', async () => {
    const text = 'parameters: { n: { range: [1, 10] }, m: { range: [1, 10] } }\nwhere: [n <= m, n % 5 == 0]';
    const points = await home.points(text);
    expect(points.map(({ parameters }) => [parameters['n'], parameters['m']])).toEqual([
      ...[5, 6, 7, 8, 9, 10].map((m) => [5, m]),
      [10, 10],
    ]);
    expect(points.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const { points: source } = await home.plan(text);
    expect([...source.points(5)]).toEqual(points.slice(5));
  });

  test('see the defaults of what the plan does not set', async () => {
    expect(await home.column('parameters: { n: [6, 7, 8] }\nwhere: n >= 7 && mode == "fast"', 'n')).toEqual([
      7, 8,
    ]);
    expect(await home.mistakes('cross: [{ parameters: { n: [1] }, where: m == 1 }]')).toEqual([
      '1:42: cross.0.where: names m, which is not known here; known: n',
    ]);
  });

  test('that nothing fulfils make a plan without points, which is a mistake', async () => {
    await expect(home.plan('parameters: { n: [1, 2] }\nwhere: n > 3')).rejects.toMatchObject({
      code: 'PLAN_EMPTY',
    });
    // However many points the other groups would have.
    const many =
      'cross: [{ parameters: { m: { range: [1, 1000000000] } } }, { parameters: { n: [1] }, where: n > 3 }]';
    await expect(home.plan(many)).rejects.toMatchObject({ code: 'PLAN_EMPTY' });
  });

  test('that are fulfilled hardly ever: the search is given up, and it is said', async () => {
    const text = 'parameters: { m: { range: [1, 1000000000] } }\nwhere: m < 1';
    await expect(home.plan(text)).rejects.toMatchObject({ code: 'PLAN_FRUITLESS' });
  });
});

describe('a large plan', () => {
  const large = 'parameters: { m: { range: [1, 1000000] }, seed: { range: [1, 1000000] } }\n';

  test('of 10^12 points begins at once, in its middle as well', async () => {
    const { points } = await home.plan(large);
    expect([points.exact, points.count]).toEqual([true, 10n ** 12n]);
    const [middle] = points.points(5e11);
    expect(middle).toMatchObject({ index: 5e11, parameters: { m: 500_001, seed: 1 } });
  });

  test('with a condition has at most as many, until they are counted', async () => {
    const plan = await home.plan(`${large}where: m + seed > 3`);
    expect([plan.points.exact, plan.points.count]).toEqual([false, 10n ** 12n]);
    const [first] = plan.points.points();
    expect(first).toMatchObject({ index: 0, parameters: { m: 1, seed: 3 } });
    expect(() => checkPlanSize(plan, false)).toThrow(
      'has up to 1,000,000,000,000 points (m 1,000,000 × seed 1,000,000)',
    );
    const counting = countPoints(plan.points, AbortSignal.abort(new Error('enough')));
    await expect(counting).rejects.toThrow('enough');
  });

  test('is counted exactly where it can be', async () => {
    const plan = await home.plan(
      'parameters: { m: { range: [1, 400] }, seed: { range: [1, 200] } }\nwhere: m > seed',
    );
    expect(plan.points.exact).toBe(false);
    expect(await countPoints(plan.points)).toBe(59_900n);
    expect([plan.points.exact, plan.points.count]).toEqual([true, 59_900n]);
  });
});

describe('repeats', () => {
  const text = 'parameters: { n: [1, 2, 3] }\nrepeat: { count: 50, parameter: seed, seed: 42 }';

  test('have different seeds, change fastest, and are the same every time', async () => {
    const rows = await home.rows(text, 'n', 'seed');
    expect(rows.map(([n]) => n)).toEqual([1, 2, 3].flatMap((n) => Array<number>(50).fill(n)));
    expect(new Set(rows.map(([, seed]) => seed)).size).toBe(150);
    expect(await home.rows(text, 'n', 'seed')).toEqual(rows);
    expect(await home.rows(text.replace('42', '43'), 'n', 'seed')).not.toEqual(rows);
  });

  test('keep their seeds when the plan gets more points or more repeats', async () => {
    const before = (await home.rows(text, 'n', 'seed')).map(String);
    const more = text.replace('[1, 2, 3]', '[9, 2, 3, 1]').replace('50', '70');
    const after = new Set((await home.rows(more, 'n', 'seed')).map(String));
    expect(before.every((row) => after.has(row))).toBe(true);
  });

  test('may have the same seeds at every point', async () => {
    const rows = await home.rows(text.replace('seed: 42', 'same: true'), 'n', 'seed');
    expect(rows.slice(0, 50).map(([, seed]) => seed)).toEqual(rows.slice(50, 100).map(([, seed]) => seed));
  });

  test('never have a seed twice, even where there are only just enough', async () => {
    const seeds = await home.column('repeat: { count: 1001, parameter: n }', 'n');
    expect([...seeds].sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 1001 }, (_, n) => n),
    );
    expect(seeds.slice(0, 5)).not.toEqual([0, 1, 2, 3, 4]);
  });
});

describe('plans joined', () => {
  test('one after the other, with defaults for what the others set, duplicates merged', async () => {
    await home.write('sub/a.yaml', 'appliance: ../square\nparameters: { n: [1, 2] }\n');
    await home.write('sub/b.csv', 'n,mode\n2,fast\n2,exact\n');
    const text = 'plans: [sub/a.yaml, sub/b.csv, { parameters: { n: 1, mode: [fast, slow] } }]';
    expect(await home.rows(text, 'n', 'mode')).toEqual([
      [1, 'fast'],
      [2, 'fast'],
      [2, 'exact'],
      [1, 'slow'],
    ]);
    expect((await home.plan(text)).notes()).toEqual(['2 points are there more than once, and merged']);
  });

  test('crossed with what stands beside them', async () => {
    const text =
      'plans: [{ parameters: { n: [1, 2] } }, { parameters: { m: 9 } }]\nparameters: { x: [0, 1] }';
    expect(await home.rows(text, 'n', 'm', 'x')).toEqual([
      [1, 1, 0],
      [1, 1, 1],
      [2, 1, 0],
      [2, 1, 1],
      [7, 9, 0],
      [7, 9, 1],
    ]);
    expect([...(await home.plan(text)).points.points(3)].map(({ index }) => index)).toEqual([3, 4, 5]);
  });

  test('mistakes of all are told at once, each in its own file', async () => {
    await home.write('bad.yaml', 'parameters: { q: 1 }\nfoo: 2\n');
    await home.write('bad.csv', 'n,z\n1,2\n');
    await home.write('circle.yaml', 'plans: [plan.yaml]\n');
    await home.write('other.yaml', 'appliance: sub\n');
    const told = await home.mistakes('plans: [bad.yaml, bad.csv, none.yaml, circle.yaml, other.yaml, 3]');
    const parameters = 'square has no such parameter; its parameters: n, m, x, y, mode, odd, flag, seed';
    expect(told).toEqual([
      "1:28: plans.2: cannot read the plan none.yaml: ENOENT: no such file or directory, stat 'none.yaml'",
      '1:64: plans.5: must be a group: a mapping with parameters, cross, zip, table, points, sample, plans, base, variations, one-at-a-time, repeat, where',
      `bad.yaml:1:15: parameters.q: ${parameters}`,
      'bad.yaml:2:1: unknown entry "foo"',
      `bad.csv:1:3: column "z": ${parameters}`,
      'circle.yaml:1:9: plans.0: plan.yaml joins itself',
      `other.yaml:1:12: appliance: is another appliance than that of plan.yaml`,
    ]);
  });
});

test.each([
  ['zip: { n: [1, 2], m: [1, 2, 3] }', '1:6: zip: must be equally many to go in step: n 2, m 3'],
  ['zip: 3', '1:6: zip: must be parameters with their values, or a list of groups'],
  [
    'zip: [{ parameters: { n: [1] }, where: n == 1 }]',
    '1:6: zip: where: and joined plans make no number of rows that is known, so they cannot go in step',
  ],
  ['cross: [{ parameters: { n: 1 } }, { zip: { n: [2] } }]', '1:8: cross: n is in more than one group'],
  ['parameters: { n: 1 }\nzip: { n: [1] }', '2:1: zip: n has its values from parameters already'],
  ['parameters: { n: 1 }\nbase: { n: 1 }', '2:1: base: n has its values from parameters already'],
  ['cross: [{ nope: 1 }]', '1:11: cross.0: unknown entry "nope"'],
  ['points: []', '1:9: points: must have at least one point'],
  ['points: [{ n: [1] }]', '1:15: points.0.n: must be a number, a string, true or false'],
  ['points: [{ n: x }]', '1:15: points.0.n: must be an integer, not "x"'],
  ['base: { n: 5000 }', '1:12: base.n: must be at most 1000'],
  [
    'variations: { n: 1 }',
    '1:13: variations: must be a list of parameters with the values that they have instead',
  ],
  ['repeat: { count: 0, parameter: seed }', '1:18: repeat.count: must be a whole number from 1 on, not 0'],
  ['repeat: { count: 2, parameter: mode }', '1:32: repeat.parameter: must be an int that may have any value'],
  ['repeat: { count: 2000, parameter: n }', '1:18: repeat.count: n has only 1001 different seeds'],
  [
    'repeat: { count: 2, parameter: n }\nparameters: { n: 1 }',
    '1:32: repeat.parameter: n has its values from elsewhere already',
  ],
  ['repeat: 3', '1:9: repeat: must be { count: N, parameter: NAME }, with seed: N and same: true if wanted'],
  [
    'where: 3',
    '1:8: where: must be a condition such as "n < 2 * m" (in quotes, if YAML takes it for something else)',
  ],
  ['where: []', '1:8: where: must be a condition or a list of them'],
  ['where: n', '1:8: where: is a number, not a condition: compare it with something'],
  ['plans: []', '1:8: plans: must have from 1 to 10000 plans'],
  [
    `cross: ${'['.repeat(3)}${'{ cross: ['.repeat(60)}${'] }'.repeat(60)}${']'.repeat(3)}`,
    '1:9: cross.0: must be a group',
  ],
  [`${'cross: [{ '.repeat(70)}${'}]'.repeat(70)}`, 'groups are nested too deep'],
])('a mistake: %s', async (text, expected) => {
  expect((await home.mistakes(text))[0]).toContain(expected);
});
