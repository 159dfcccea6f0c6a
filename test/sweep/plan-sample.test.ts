import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { permutation } from '../../src/sweep/plan/permutation.js';
import { Random, philox, stream } from '../../src/sweep/plan/random.js';
import { mostSobolDimensions, sobolDimension } from '../../src/sweep/plan/sobol.js';
import { type PlanFolder, makePlanFolder } from './plan-fixture.js';

let home: PlanFolder;
beforeAll(async () => {
  home = await makePlanFolder();
});
afterAll(() => home[Symbol.asyncDispose]());

const sample = (method: string, count: number, parameters: string, seed = 'seed: 1, ') =>
  `sample: { method: ${method}, count: ${count}, ${seed}parameters: { ${parameters} } }`;

describe('random numbers', () => {
  // The known answers of Random123 1.14 (kat_vectors, philox4x32-10).
  test.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [Array(4).fill(0xffffffff), [0xffffffff, 0xffffffff], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    ],
  ] as const)('Philox4x32-10 of %j with key %j', (counter, key, expected) => {
    const [a, b, c, d] = counter as readonly number[];
    const words = philox([a!, b!, c!, d!], key);
    expect(words.map((word) => word.toString(16).padStart(8, '0')).join(' ')).toBe(expected);
  });

  test('are numbers from 0, below 1, spread evenly', () => {
    const random = new Random(9, stream.sample);
    const all = Array.from({ length: 5000 }, (_, index) => random.pair(index, 0)).flat();
    expect(all.every((part) => part >= 0 && part < 1)).toBe(true);
    const mean = all.reduce((sum, part) => sum + part, 0) / all.length;
    // Five standard deviations.
    expect(Math.abs(mean - 0.5)).toBeLessThan((5 * Math.sqrt(1 / 12)) / 100);
  });

  test('a permutation has every number once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat(), (count, seed) => {
        const image = permutation(count, new Random(seed, stream.strata));
        const all = new Set(Array.from({ length: count }, (_, number) => image(number)));
        expect([all.size, Math.min(...all), Math.max(...all)]).toEqual([count, 0, count - 1]);
      }),
      { numRuns: 50 },
    );
  });

  test('permutations of a few are equally frequent', () => {
    const counts = new Map<string, number>();
    const rounds = 2400;
    for (let seed = 0; seed < rounds; seed++) {
      const image = permutation(4, new Random(seed, stream.strata));
      const text = [0, 1, 2, 3].map(image).join('');
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
    const expected = rounds / 24;
    const chiSquared = [...counts.values()].reduce(
      (sum, count) => sum + (count - expected) ** 2 / expected,
      0,
    );
    expect(counts.size).toBe(24);
    // The 99.99 % point of 23 degrees of freedom.
    expect(chiSquared).toBeLessThan(58.6);
  });
});

describe('the Sobol sequence', () => {
  const point = (index: number, dimensions: number) =>
    Array.from(
      { length: dimensions },
      (_, dimension) => sobolDimension(dimension, undefined)(index) / 2 ** 32,
    );

  test('has the points that Joe and Kuo publish', () => {
    // https://web.maths.unsw.edu.au/~fkuo/sobol/, output of sobol.cc; SciPy's qmc.Sobol(scramble=False) has the same.
    expect(Array.from({ length: 8 }, (_, index) => point(index, 6))).toEqual([
      [0, 0, 0, 0, 0, 0],
      [0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
      [0.75, 0.25, 0.25, 0.25, 0.75, 0.75],
      [0.25, 0.75, 0.75, 0.75, 0.25, 0.25],
      [0.375, 0.375, 0.625, 0.875, 0.375, 0.125],
      [0.875, 0.875, 0.125, 0.375, 0.875, 0.625],
      [0.625, 0.125, 0.875, 0.625, 0.625, 0.875],
      [0.125, 0.625, 0.375, 0.125, 0.125, 0.375],
    ]);
  });

  test('has one value in each of 2^k equal parts, in every dimension, scrambled or not', () => {
    const parts = 256;
    for (let dimension = 0; dimension < mostSobolDimensions; dimension++)
      for (const scramble of [undefined, 0x12345678]) {
        const at = sobolDimension(dimension, scramble);
        const hit = new Set(
          Array.from({ length: parts }, (_, index) => Math.floor(at(index) / (2 ** 32 / parts))),
        );
        expect(hit.size, `dimension ${dimension}`).toBe(parts);
      }
  });

  test('its first two dimensions are a net, scrambled or not: one point in each box of equal area', () => {
    for (const seeds of [
      [undefined, undefined],
      [0x9e3779b9, 0x7f4a7c15],
    ] as const) {
      const [x, y] = [sobolDimension(0, seeds[0]), sobolDimension(1, seeds[1])];
      for (let bits = 0; bits <= 6; bits++) {
        const box = (index: number) =>
          `${x(index) >>> (32 - bits) || 0} ${bits === 6 ? 0 : y(index) >>> (32 - (6 - bits))}`;
        const hit = new Set(
          Array.from({ length: 64 }, (_, index) => (bits === 0 ? `0 ${y(index) >>> 26}` : box(index))),
        );
        expect(hit.size).toBe(64);
      }
    }
  });

  test('scrambled by another seed is another one', () => {
    expect(sobolDimension(3, 1)(5)).not.toBe(sobolDimension(3, 2)(5));
  });
});

describe('a sample', () => {
  test('latin-hypercube hits every stratum once, in every dimension', () => {
    return fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.nat({ max: 1000 }), async (count, seed) => {
        const text = sample(
          'latin-hypercube',
          count,
          'x: { range: [0, 1] }, y: { range: [-10, 10] }',
          `seed: ${seed}, `,
        );
        const rows = (await home.rows(text, 'x', 'y')) as [number, number][];
        const strata = (values: number[]) => new Set(values.map((part) => Math.floor(part * count)));
        expect(strata(rows.map(([x]) => x)).size).toBe(count);
        expect(strata(rows.map(([, y]) => (y + 10) / 20)).size).toBe(count);
      }),
      { numRuns: 20 },
    );
  });

  test.each(['random', 'latin-hypercube', 'sobol'])(
    '%s is the same by its seed, and another by another',
    async (method) => {
      const parameters = 'x: { range: [0, 1] }, n: { range: [1, 500] }, mode: [a, b]';
      const rows = await home.rows(sample(method, 32, parameters), 'x', 'n', 'mode');
      expect(rows).toHaveLength(32);
      expect(await home.rows(sample(method, 32, parameters), 'x', 'n', 'mode')).toEqual(rows);
      expect(await home.rows(sample(method, 32, parameters, 'seed: 2, '), 'x', 'n', 'mode')).not.toEqual(
        rows,
      );
    },
  );

  test.each(['random', 'sobol'])('%s keeps its points when it grows', async (method) => {
    const rows = await home.rows(sample(method, 10, 'x: { range: [0, 1] }'), 'x');
    expect((await home.rows(sample(method, 20, 'x: { range: [0, 1] }'), 'x')).slice(0, 10)).toEqual(rows);
  });

  test('Sobol without a seed is the sequence as published', async () => {
    const text = sample('sobol', 4, 'x: { range: [0, 8] }, n: { range: [0, 3] }, mode: [a, b]', '');
    expect(await home.rows(text, 'x', 'n', 'mode')).toEqual([
      [0, 0, 'a'],
      [4, 2, 'b'],
      [6, 1, 'a'],
      [2, 3, 'b'],
    ]);
  });

  test('intervals: numbers, integers with both ends, logarithmic ones', async () => {
    const parameters = 'x: { log: [1e-6, 1] }, n: { range: [1, 4] }, m: { log: [1, 1000] }, day: 3';
    const text = sample('latin-hypercube', 400, parameters.replace(', day: 3', ''));
    const rows = (await home.rows(text, 'x', 'n', 'm')) as [number, number, number][];
    const counts = [1, 2, 3, 4].map((wanted) => rows.filter(([, n]) => n === wanted).length);
    expect(counts).toEqual([100, 100, 100, 100]);
    expect(rows.filter(([x]) => x < 1e-3)).toHaveLength(200);
    expect(rows.every(([x, , m]) => x >= 1e-6 && x <= 1 && Number.isInteger(m) && m >= 1 && m <= 1000)).toBe(
      true,
    );
    const small = rows.filter(([, , m]) => m <= 31).length;
    expect(Math.abs(small - 200)).toBeLessThanOrEqual(2);
  });

  test('choices among values of any form, and its equal points merged', async () => {
    const text = sample('random', 500, 'odd: [1, 5], mode: { dates: [2026-01-01, 2026-01-02] }');
    const plan = await home.plan(text);
    expect(plan.points.count).toBe(4n);
    expect(plan.notes()).toEqual(['496 points are there more than once, and merged']);
  });

  test('may be crossed with the rest', async () => {
    const text = `${sample('random', 3, 'x: { range: [0, 1] }')}\nparameters: { n: [1, 2] }`;
    expect((await home.column(text, 'n')).join()).toBe('1,2,1,2,1,2');
  });

  test('of 2^32 points begins at once, in its middle as well', async () => {
    const { points } = await home.plan(sample('latin-hypercube', 2 ** 32, 'x: { range: [0, 1] }'));
    expect(points.count).toBe(2n ** 32n);
    const [middle] = points.points(2 ** 31);
    expect(middle?.index).toBe(2 ** 31);
  });

  test.each([
    ['sample: 3', '1:9: sample: must be { method: latin-hypercube, count: N, seed: N, parameters: ... }'],
    [
      'sample: { count: 3, parameters: { x: [1] } }',
      '1:9: sample.method: must be one of random, latin-hypercube, sobol',
    ],
    [sample('lhs', 3, 'x: [1, 2]'), '1:19: sample.method: must be one of random, latin-hypercube, sobol'],
    [
      sample('sobol', 0, 'x: [1, 2]'),
      '1:33: sample.count: must be a whole number from 1 to 4294967296, not 0',
    ],
    [sample('sobol', 2, ''), '1:57: sample.parameters: must have at least one parameter'],
    [
      sample('sobol', 2, 'x: { range: [1, 0] }'),
      '1:71: sample.parameters.x.range: FIRST must be less than LAST',
    ],
    [
      sample('sobol', 2, 'x: { log: [0, 1] }'),
      '1:69: sample.parameters.x.log: FIRST and LAST must be greater than 0',
    ],
    [
      sample('sobol', 2, 'y: { range: [0, 11] }'),
      '1:75: sample.parameters.y.range.1: its last value, 11, must be at most 10',
    ],
    [
      sample('sobol', 2, 'odd: { range: [1, 5] }'),
      '1:73: sample.parameters.odd.range: only some values are declared: list those that are wanted',
    ],
    [
      sample('sobol', 2, 'z: [1]'),
      '1:59: sample.parameters.z: square has no such parameter; its parameters: n, m, x, y, mode, odd, flag, seed',
    ],
    [
      sample('sobol', 2, 'x: [1]', 'seed: -1, '),
      '1:42: sample.seed: must be a whole number from 0 on, not -1',
    ],
  ])('a mistake: %s', async (text, expected) => {
    expect((await home.mistakes(text))[0]).toBe(expected);
  });
});
