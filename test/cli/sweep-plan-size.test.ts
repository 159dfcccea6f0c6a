import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type SizeTalk, agreeOnSize } from '../../src/cli/sweep/plan-size.js';
import { countPoints } from '../../src/sweep/plan/points.js';
import { type PlanFolder, makePlanFolder } from '../sweep/plan-fixture.js';

let home: PlanFolder;
beforeAll(async () => {
  home = await makePlanFolder();
});
afterAll(() => home[Symbol.asyncDispose]());

const never = new AbortController().signal;
const crossed = 'parameters: { m: { range: [1, 1500] }, seed: { range: [1, 1000] } }\n';
const huge = 'parameters: { m: { range: [1, 1000000] }, seed: { range: [1, 1000000] } }\nwhere: m > 0';

function talk(answer?: boolean) {
  let said = '';
  const ask = vi.fn<NonNullable<SizeTalk['ask']>>(() => Promise.resolve(answer === true));
  const talked: SizeTalk = {
    ...{ stream: { write: (text) => (said += text) }, quiet: false, patience: Infinity },
    ask: answer === undefined ? undefined : ask,
  };
  return { talked, ask, said: () => said };
}

describe('a plan that may have too many points', () => {
  test('is counted, and run without being asked where it has few', async () => {
    const plan = await home.plan(`${crossed}where: m <= 2`);
    await agreeOnSize(plan, false, talk().talked, never);
    expect([plan.points.exact, plan.points.count]).toEqual([true, 2000n]);
  });

  test('is refused where nobody can be asked, with what was counted', async () => {
    const plan = await home.plan(huge);
    await expect(agreeOnSize(plan, false, talk().talked, never)).rejects.toMatchObject({
      code: 'PLAN_TOO_LARGE',
      message: expect.stringMatching(
        /has up to 1,000,000,000,000 points \(m 1,000,000 × .*\), [1-9]\d*(,\d{3}){2} of which were counted: more than/,
      ) as unknown,
    });
  });

  test('is run where somebody agrees, and then counted to its end', async () => {
    const plan = await home.plan(`${crossed}where: m > 2`);
    const { talked, ask } = talk(true);
    await agreeOnSize(plan, false, talked, never);
    expect(ask.mock.calls[0]?.[0]).toMatch(/only with --yes\.\nRun so many\? \[y\/N\] $/);
    expect([plan.points.exact, plan.points.count]).toEqual([true, 1_498_000n]);
  });

  test('is not run where nobody agrees', async () => {
    const plan = await home.plan(crossed);
    const declined = agreeOnSize(plan, false, talk(false).talked, never);
    await expect(declined).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
  });

  test('is run with --yes without a question', async () => {
    const plan = await home.plan(crossed);
    const { talked, ask } = talk(false);
    await agreeOnSize(plan, true, talked, never);
    expect(ask).not.toHaveBeenCalled();
  });

  test('is counted no longer once its user has enough', async () => {
    const plan = await home.plan(`${crossed}where: m > 2`);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(agreeOnSize(plan, true, talk().talked, signal)).rejects.toThrow('enough');
  });
});

test('counting ends at its limits, and says how far it has come', async () => {
  const { points } = await home.plan(huge);
  const counts: number[] = [];
  const onCount = (count: number) => void counts.push(count);
  expect(await countPoints(points, never, { most: 100_000n, onCount })).toBeGreaterThan(100_000n);
  expect(points.exact).toBe(false);
  expect(counts.every((count) => count > 0 && count <= 100_000)).toBe(true);
  expect(await countPoints(points, never, { seconds: 0 })).toBeLessThan(10n ** 12n);
});
