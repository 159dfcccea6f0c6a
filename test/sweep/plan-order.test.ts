import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { outlineText } from '../../src/cli/plan-view.js';
import { checkSortable, sortPoints, sortedPoints } from '../../src/sweep/plan/ordered.js';
import { countPoints } from '../../src/sweep/plan/points.js';
import { RunOrder, type Turn, searching } from '../../src/sweep/schedule/run-order.js';
import { CountingDriver } from '../support/counting-driver.js';
import { type PlanFolder, makePlanFolder } from './plan-fixture.js';
import { SweepHome, endedWith, readN, started } from './sweep-home.js';

let folder: PlanFolder;
beforeAll(async () => {
  folder = await makePlanFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

const never = new AbortController().signal;

/** Numbers of the points in their order; so many are held at once. */
async function orderOf(text: string, held?: number): Promise<number[]> {
  const { points, order } = await folder.plan(text);
  await countPoints(points);
  const sorting = await sortPoints(points, order!, never);
  return [...sortedPoints(points, sorting, held)].map(({ index }) => index);
}

describe('order:', () => {
  test('is by a number of each point, ascending; equal ones stay as they are', async () => {
    expect(await orderOf('parameters: { n: [5, 3, 9, 7, 1] }\norder: n')).toEqual([4, 1, 0, 3, 2]);
    expect(await orderOf('parameters: { n: [1, 2], m: [1, 2, 3] }\norder: -n')).toEqual([3, 4, 5, 0, 1, 2]);
    const fast = 'parameters: { mode: [slow, fast], n: [2, 1] }\norder: \'mode == "fast" ? n : 10\'';
    expect(await orderOf(fast)).toEqual([3, 2, 0, 1]);
  });

  test('puts what is no number last', async () => {
    expect(await orderOf('parameters: { m: [-4, 9, 0, 4] }\norder: sqrt(m)')).toEqual([2, 3, 1, 0]);
  });

  test.each([1, 2, 7, 1000])(
    'holds %i points at once, of plans that have to be counted as well',
    async (held) => {
      const text = 'parameters: { n: { range: [1, 40] } }\nwhere: n % 3 != 0\norder: (n * 7) % 41';
      const keys = (await folder.points(text)).map(({ parameters: { n } }) => (Number(n) * 7) % 41);
      const expected = [...keys.keys()].sort((a, b) => keys[a]! - keys[b]!);
      expect(await orderOf(text, held)).toEqual(expected);
      expect(expected).toHaveLength(27);
    },
  );

  test('leaves the numbers of the points alone, and is shown', async () => {
    const plan = await folder.plan('parameters: { n: [2, 1] }\norder: n');
    expect([...plan.points.points()].map(({ parameters }) => parameters['n'])).toEqual([2, 1]);
    expect(outlineText(plan)).toContain('order      they are begun by n, ascending\n');
  });

  test('of a plan that is joined means nothing, which is said', async () => {
    await folder.write('part.yaml', 'parameters: { n: [2, 1] }\norder: n\n');
    const plan = await folder.plan('plans: [part.yaml]\n');
    expect(plan.order).toBeUndefined();
    expect(plan.notes()[0]).toMatch(/part\.yaml: order: means nothing in a plan that is joined$/);
  });

  test('is refused for more points than can be sorted', async () => {
    const many = (last: number) => folder.plan(`parameters: { m: { range: [1, ${last}] } }\norder: m`);
    const plan = await many(1_000_001);
    expect(() => checkSortable(plan)).toThrow('has 1,000,001 points; order: can sort 1,000,000 at most');
    checkSortable(await many(1_000_000));
  });

  test.each([
    ['order: mode', '1:8: order: is a string, not a number: make one with ... ? 0 : 1'],
    ['order: n > 3', '1:8: order: is a boolean, not a number: make one with ... ? 0 : 1'],
    [
      'order: k + 1',
      '1:8: order: names k, which is not known here; known: n, m, x, y, mode, odd, flag, seed',
    ],
    ['order: [n, m]', '1:8: order: must be a number of each point such as n, or "-n * m"'],
    ['order:', '1:7: order: must be a number of each point such as n, or "-n * m"'],
    ['order: (n', '1:8: order: cannot be read: '],
    ['cross: [{ parameters: { n: 1 }, order: n }]', '1:33: cross.0: unknown entry "order"'],
  ])('%s', async (text, expected) => {
    expect((await folder.mistakes(text))[0]).toContain(expected);
  });

  test('is told together with other mistakes', async () => {
    expect(await folder.mistakes('order: mode\nparameters: { k: 1 }')).toHaveLength(2);
  });
});

describe('points that are to be run last', () => {
  const turns: Record<number, Turn> = { 1: 'last', 2: 'never', 4: 'last' };
  const turnOf = (index: number) => turns[index] ?? 'now';
  const numbers = (order: RunOrder) =>
    [...order.points()].flatMap((point) => (point === searching ? [] : [point.index]));

  test('come last, each once, in the order of the plan', async () => {
    const { points, order } = await folder.plan('parameters: { n: { range: [1, 7] } }\norder: -n');
    const plain = new RunOrder(points, turnOf);
    expect(numbers(plain)).toEqual([0, 3, 5, 6, 1, 4]);
    const sorted = new RunOrder(points, turnOf, await sortPoints(points, order!, never));
    expect(numbers(sorted)).toEqual([6, 5, 3, 0, 4, 1]);
  });

  test('have come only then', async () => {
    const { points } = await folder.plan('parameters: { n: { range: [1, 6] } }\n');
    const order = new RunOrder(points, turnOf);
    const come = () => [0, 1, 2, 3, 4, 5].filter((index) => order.hasCome(index));
    const given = order.points();
    expect(come()).toEqual([]);
    given.next();
    expect(come()).toEqual([0]);
    given.next();
    expect(come()).toEqual([0, 2, 3]);
    given.next();
    expect(come()).toEqual([0, 2, 3, 5]);
    given.next();
    expect(come()).toEqual([0, 1, 2, 3, 5]);
  });
});

describe('a sweep', () => {
  let home: SweepHome;
  beforeEach(async () => {
    home = await SweepHome.make();
  });
  afterEach(() => home[Symbol.asyncDispose]());

  test('begins its points in the order of the plan; their numbers stay', async () => {
    const plan = await home.plan('  n: [1, 3, 2, 4]\n', 'order: -n\n');
    const { order } = await home.sweep({ plan, jobs: 1 });
    expect(order).toEqual([3, 1, 2, 0]);
    expect((await home.shortRows()).map((row) => row.charAt(0))).toEqual(['1', '3', '2', '4']);
  });

  test('begins those last that were lost before', async () => {
    const script = `${readN}${started}[ $n = 1 ] && exit 9\n${endedWith('$((n == 2 ? 7 : 0))')}`;
    const before = await home.sweep({ driver: new CountingDriver({ script }), jobs: 1 });
    expect(before.summary.counts).toMatchObject({ done: 2, failed: 1, lost: 1 });
    expect((await home.sweep({ jobs: 1 })).order).toEqual([1, 0]);
  });
});
