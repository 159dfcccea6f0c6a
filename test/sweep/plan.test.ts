import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { axisGroup, listAxis } from '../../src/sweep/plan/axis.js';
import { type Plan, readPlan } from '../../src/sweep/plan/plan.js';
import { GroupPoints } from '../../src/sweep/plan/points.js';
import { crossed } from '../../src/sweep/plan/product.js';
import { rangeAxis } from '../../src/sweep/plan/range.js';
import { checkPlanSize } from '../../src/sweep/plan/size.js';
import { makeAppliance, writeAppliance } from '../support/fake-appliance.js';

const manifest = `name: square
run: ./job.sh
parameters:
  n: { type: int, default: 7, min: 0, max: 100 }
  x: { type: float, default: 0.5 }
  mode: { type: string, default: fast, values: [fast, exact, slow] }
  odd: { type: int, default: 1, values: [1, 3, 5] }
  verbose: { type: bool, default: false }
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gva-unit-'));
  await makeAppliance(folder, manifest);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function plan(text: string): Promise<Plan> {
  const file = join(folder, 'plan.yaml');
  await writeFile(file, text);
  return readPlan(file);
}

const square = (parameters: string) => plan(`appliance: ./square\nparameters:\n${parameters}`);
const valuesOf = async (name: string, entry: string) =>
  [...(await square(`  ${name}: ${entry}\n`)).points.points()].map(({ parameters }) => parameters[name]);

/** The mistakes as `LINE:COLUMN: message`. */
async function mistakes(text: string): Promise<string[]> {
  try {
    await plan(text);
  } catch (error) {
    expect(error).toMatchObject({ name: 'GvaError', code: 'PLAN_INVALID', exitCode: 2 });
    return (error as Error).message.replaceAll(`${join(folder, 'plan.yaml')}:`, '').split('\n');
  }
  throw new Error('the plan has no mistakes');
}

/** The mistakes of one entry `  n: ENTRY`, whose place is then line 3 and column 6. */
const entryMistakes = (name: string, entry: string) =>
  mistakes(`appliance: ./square\nparameters:\n  ${name}: ${entry}\n`);

describe('what a plan means', () => {
  test('is of the hardware that was chosen', async () => {
    const options = 'deployment-options:\n  large: { label: Large, cpus: 2, memory: 1G }\n';
    const home = join(folder, 'sized');
    await writeAppliance(home, `${manifest}${options}`);
    const file = join(home, 'plan.yaml');
    await writeFile(file, 'appliance: ./square\nparameters: { n: [1, 2] }\n');
    const hardware = async (deploymentOption?: string) =>
      (await readPlan(file, { deploymentOption })).source.appliance.hardware;
    expect(await hardware()).toMatchObject({ cpus: 1 });
    expect(await hardware('large')).toMatchObject({ cpus: 2, memory: 2 ** 30 });
    await expect(hardware('huge')).rejects.toMatchObject({ code: 'OPTION_UNKNOWN' });
  });

  test('crosses lists and ranges, the first parameter slowest, all others at their defaults', async () => {
    const { points } = await square('  mode: [fast, exact]\n  n: { range: [1, 3] }\n');
    const rest = { x: 0.5, odd: 1, verbose: false };
    expect(points.count).toBe(6n);
    expect([...points.points()].map(({ index, parameters }) => ({ index, ...parameters }))).toEqual([
      { index: 0, n: 1, mode: 'fast', ...rest },
      { index: 1, n: 2, mode: 'fast', ...rest },
      { index: 2, n: 3, mode: 'fast', ...rest },
      { index: 3, n: 1, mode: 'exact', ...rest },
      { index: 4, n: 2, mode: 'exact', ...rest },
      { index: 5, n: 3, mode: 'exact', ...rest },
    ]);
  });

  test('gives the values of a point in the order of declaration, whatever that of the plan', async () => {
    const { points } = await square('  verbose: true\n  n: 3\n');
    const [point] = points.points();
    expect(Object.keys(point!.parameters)).toEqual(['n', 'x', 'mode', 'odd', 'verbose']);
    expect(points.names).toEqual(['n', 'x', 'mode', 'odd', 'verbose']);
  });

  test('a lone value is a list of one; no parameters at all is one point', async () => {
    expect(await valuesOf('n', '12')).toEqual([12]);
    expect((await plan('appliance: square\n')).points.count).toBe(1n);
  });

  test.each([
    ['n', '{ range: [1, 4] }', [1, 2, 3, 4]],
    ['n', '{ range: [0, 10, 4] }', [0, 4, 8]],
    ['n', '{ range: [5, 1, -2] }', [5, 3, 1]],
    ['n', '{ range: [5, 5] }', [5]],
    ['x', '{ range: [0, 0.3, 0.1] }', [0, 0.1, 0.2, 0.3]],
    ['x', '{ range: [1, -0.5, -0.5] }', [1, 0.5, 0, -0.5]],
    ['x', '{ range: [0, 1e-7, 5e-8] }', [0, 5e-8, 1e-7]],
    ['x', '{ range: [1e22, 3e22, 1e22] }', [1e22, 2e22, 3e22]],
    ['verbose', '[true, false]', [true, false]],
  ])('%s: %s', async (name, entry, expected) => {
    expect(await valuesOf(name, entry)).toEqual(expected);
  });

  test('does not add up rounding errors: the last of 100,001 values is exact', () => {
    const axis = rangeAxis(0, 10_000, 0.1);
    expect(axis.count).toBe(100_001n);
    expect([axis.at(3), axis.at(70_001), axis.at(100_000)]).toEqual([0.3, 7000.1, 10_000]);
  });

  test('takes files relative to its folder, under their own names or others', async () => {
    await writeFile(join(folder, 'table.txt'), 'a');
    const text = 'appliance: square\nfiles:\n  - table.txt\n  - { source: ./table.txt, name: sub/b.txt }\n';
    const { files } = await plan(text);
    expect(files.common.map(({ name, size }) => ({ name, size }))).toEqual([
      { name: 'table.txt', size: 1 },
      { name: 'sub/b.txt', size: 1 },
    ]);
  });
});

const declared = (names: readonly string[]) => names.map((name) => ({ name, type: 'int' as const }));

function pointsOf(lists: readonly { name: string; values: readonly number[] }[]): GroupPoints {
  const groups = lists.map(({ values }, number) => axisGroup(number, listAxis(values)));
  return new GroupPoints(crossed(groups), declared(lists.map(({ name }) => name)));
}

describe('enumeration', () => {
  const axes = fc
    .array(fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 4 }), { maxLength: 4 })
    .map((lists) => lists.map((values, index) => ({ name: `p${index}`, values })));

  test('equals the cross product', () => {
    fc.assert(
      fc.property(axes, (lists) => {
        const source = pointsOf(lists);
        const product = lists.reduce<Record<string, number>[]>(
          (rows, { name, values }) =>
            rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value }))),
          [{}],
        );
        const points = [...source.points()];
        expect(points.map(({ parameters }) => parameters)).toEqual(product);
        expect(points.map(({ index }) => index)).toEqual(product.map((_, index) => index));
        expect(source.count).toBe(BigInt(product.length));
        const from = Math.floor(product.length / 2);
        expect([...source.points(from)]).toEqual(points.slice(from));
      }),
    );
  });

  test('a range of integers equals the loop', () => {
    const bounded = fc.integer({ min: -50, max: 50 });
    fc.assert(
      fc.property(bounded, bounded, fc.integer({ min: 1, max: 9 }), (a, b, size) => {
        const step = b >= a ? size : -size;
        const loop: number[] = [];
        for (let value = a; step > 0 ? value <= b : value >= b; value += step) loop.push(value);
        const axis = rangeAxis(a, b, step);
        expect(Array.from({ length: Number(axis.count) }, (_, index) => axis.at(index))).toEqual(loop);
      }),
    );
  });

  test('is lazy, and counts without enumerating', () => {
    const axis = rangeAxis(1, 1e9, 1);
    const names = ['a', 'b', 'c'];
    const group = crossed(names.map((_, number) => axisGroup(number, axis)));
    const source = new GroupPoints(group, declared(names));
    expect(source.count).toBe(10n ** 27n);
    const [first] = source.points();
    expect(first).toEqual({ index: 0, parameters: { a: 1, b: 1, c: 1 } });
    const [later] = source.points(5e12);
    expect(later).toEqual({ index: 5e12, parameters: { a: 1, b: 5001, c: 1 } });
  });
});

describe('mistakes', () => {
  test('are told all at once, each with its place', async () => {
    const text = `appliance: ./square
colour: red
parameters:
  n: [1, x, 2.5, 1, -3, { a: 1 }]
  m: 3
  mode: { range: [1, 2] }
  x: []
files:
  - 3
`;
    expect(await mistakes(text)).toEqual([
      '2:1: unknown entry "colour"',
      '4:10: parameters.n.1: must be an integer, not "x"',
      '4:13: parameters.n.2: must be an integer, not 2.5',
      '4:18: parameters.n.3: 1 is there twice',
      '4:21: parameters.n.4: must be at least 0',
      '4:25: parameters.n.5: must be a number, a string, true or false',
      '5:3: parameters.m: square has no such parameter; its parameters: n, x, mode, odd, verbose',
      '6:18: parameters.mode.range: a string has no ranges: list its values',
      '7:6: parameters.x: must have at least one value',
      '9:5: files.0: must be a path or { source, name }',
    ]);
  });

  test.each([
    ['n', '{ range: [1, 12, 0] }', ['3:23: parameters.n.range.2: the step must not be 0']],
    [
      'n',
      '{ range: [12, 1] }',
      ['3:15: parameters.n.range: goes the wrong way: steps of 1 lead from 12 away from 1'],
    ],
    [
      'n',
      '{ range: [1, 12, -1] }',
      ['3:15: parameters.n.range: goes the wrong way: steps of -1 lead from 1 away from 12'],
    ],
    ['n', '{ range: [1, 2.5] }', ['3:19: parameters.n.range.1: must be an integer, not 2.5']],
    ['n', '{ range: [1] }', ['3:15: parameters.n.range: must be [FIRST, LAST] or [FIRST, LAST, STEP]']],
    ['n', '{ range: [1, 2], by: 3 }', ['3:23: parameters.n: unknown entry "by"']],
    [
      'n',
      '{ range: [-4, 200] }',
      [
        '3:16: parameters.n.range.0: its first value, -4, must be at least 0',
        '3:20: parameters.n.range.1: its last value, 200, must be at most 100',
      ],
    ],
    ['odd', '{ range: [1, 5] }', ['3:17: parameters.odd.range: its value 2 must be one of 1, 3, 5']],
    ['x', '{ range: [0, .inf] }', ['3:19: parameters.x.range.1: must be a number, not Infinity']],
    [
      'verbose',
      '{ range: [0, 1] }',
      ['3:21: parameters.verbose.range: a bool has no ranges: list its values'],
    ],
    ['mode', '[fast, fst]', ['3:16: parameters.mode.1: must be one of fast, exact, slow']],
    ['mode', '[fast, fast]', ['3:16: parameters.mode.1: "fast" is there twice']],
    [
      'n',
      '',
      [
        '3:6: parameters.n: must be a value, a list of values, or one of { range: [FIRST, LAST, STEP] }, { linear: [FIRST, LAST, COUNT] }, { log: [FIRST, LAST, COUNT] }, { dates: [FIRST, LAST, STEP] }, { matching: PATTERN }, { random: [FROM, TO, COUNT] }',
      ],
    ],
  ])('%s: %s', async (name, entry, expected) => {
    expect(await entryMistakes(name, entry)).toEqual(expected);
  });

  test('a parameter without default that is not given', async () => {
    await makeAppliance(join(folder, 'strict'), 'name: strict\nrun: ls\nparameters:\n  k: { type: int }\n');
    const text = 'appliance: strict/square\nparameters: {}\n';
    expect(await mistakes(text)).toEqual(['2:13: parameters: k is missing, and has no default']);
  });

  test('a missing appliance, told with what can be told without it', async () => {
    expect(await mistakes('appliance: ./nope\nparameters: [3]\nzz: 1\n')).toEqual([
      `1:12: appliance: there is no appliance folder ${join(folder, 'nope')}`,
      '2:13: parameters: must be parameters with their values',
      '3:1: unknown entry "zz"',
    ]);
    expect(await mistakes('')).toEqual(['1:1: appliance is missing']);
    expect(await mistakes('appliance: [1]\n')).toEqual([
      '1:12: appliance: must be the folder of an appliance',
    ]);
  });

  test('a mistake of the appliance itself is told with the place in its own file', async () => {
    await writeAppliance(join(folder, 'broken'), 'name: broken\nrun: 3\n');
    await expect(plan('appliance: broken/square\n')).rejects.toMatchObject({
      code: 'APPLIANCE_INVALID',
      message: expect.stringContaining('broken/square/gva.yaml:2:6: run') as unknown,
    });
  });

  test('files that are missing or whose names are taken', async () => {
    const told = await mistakes('appliance: square\nfiles: [nope, { source: plan.yaml, name: param }]\n');
    expect(told).toHaveLength(2);
    expect(told[0]).toMatch(/^2:9: files\.0: cannot read the file .*nope: ENOENT/);
    expect(told[1]).toBe('2:15: files.1: file name "param" is one that GVA uses on the parameter CD');
  });

  test('syntax, and a plan that is not there', async () => {
    expect((await mistakes('appliance: [1\n'))[0]).toMatch(/^\d+:\d+: /);
    await expect(readPlan(join(folder, 'none.yaml'))).rejects.toMatchObject({ code: 'PLAN_MISSING' });
    await expect(readPlan(folder)).rejects.toMatchObject({ code: 'PLAN_MISSING' });
  });

  test('more points than are run without being asked, with their number', async () => {
    const large = await square('  x: { range: [1, 2000000] }\n  n: [1, 2]\n');
    const told = 'has 4,000,000 points (x 2,000,000 × n 2): more than 1,000,000 are run only with --yes';
    expect(() => checkPlanSize(large, false)).toThrow(told);
    checkPlanSize(large, true);
    const huge = await square('  x: { range: [0, 1e300, 1e-300] }\n');
    expect(() => checkPlanSize(huge, false)).toThrow('has up to about 10^600 points');
    const most = await square('  x: { range: [1, 1000000] }\n');
    checkPlanSize(most, false);
    expect(most.points.count).toBe(1_000_000n);
  });
});
