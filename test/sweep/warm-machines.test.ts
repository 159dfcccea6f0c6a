import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { prepareAppliance } from '../../src/instance/prepare.js';
import { Templates } from '../../src/instance/template/templates.js';
import type { InstanceResult } from '../../src/model/result.js';
import type { PoolChoice } from '../../src/model/start.js';
import { readPlan } from '../../src/sweep/plan/plan.js';
import { runSweep } from '../../src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../../src/sweep/schedule/retry-policy.js';
import { type PoolNeed, poolSize } from '../../src/sweep/warm-machines.js';
import { pointFolder } from '../../src/system/paths.js';
import {
  type TestHome,
  fakeBase,
  fakeVmm,
  makeTestHome,
  squareManifest,
  writeAppliance,
} from '../support/fake-appliance.js';
import { TemplateDriver } from '../support/template-driver.js';

describe('machines that may wait', () => {
  const need: PoolNeed = {
    ...{ choice: 'auto', cpus: 1, atOnce: 2, left: 100 },
    spare: { machines: 50, cpus: 1 },
  };
  test.each<[string, Partial<PoolNeed>, { most: number; fill: boolean }]>([
    ['one for each instance at once', {}, { most: 2, fill: true }],
    ['no more than there are points', { left: 1 }, { most: 1, fill: true }],
    ['none when the last point was begun', { left: 0 }, { most: 0, fill: true }],
    ['no more than memory has room for', { spare: { machines: 0, cpus: 8 } }, { most: 0, fill: true }],
    [
      'none are made while all processors work',
      { spare: { machines: 9, cpus: 0.5 } },
      { most: 2, fill: false },
    ],
    ['unless that is asked for', { choice: 'on', spare: { machines: 9, cpus: 0 } }, { most: 2, fill: true }],
    ['none where nobody wants them', { choice: 'off' }, { most: 0, fill: true }],
  ])('%s', (_, change, expected) => {
    expect(poolSize({ ...need, ...change })).toEqual(expected);
  });
});

describe('a sweep', () => {
  let home: TestHome;
  beforeEach(async () => {
    home = await makeTestHome();
    await writeAppliance(home.folder, `${squareManifest}hardware: { memory: 96M }\n`);
  });
  afterEach(() => home[Symbol.asyncDispose]());

  /** What became of its points, and of the scratch folder. */
  async function swept(points: number, pool: PoolChoice) {
    const file = join(home.folder, 'plan.yaml');
    await writeFile(file, `appliance: ./square\nparameters:\n  n: { range: [1, ${points}] }\n`);
    const plan = await readPlan(file);
    if (plan.source.kind !== 'folder') throw new Error('the plan is of a folder');
    const prepared = await prepareAppliance(plan.source, { ...fakeBase(), wake: true });
    const driver = new TemplateDriver();
    const start = { choice: 'auto', make: 'never', templates: new Templates(() => undefined) } as const;
    const limits = { boot: 600, total: undefined, powerOff: 600 };
    const outputs = { keep: 'files', keepDisks: false, pool } as const;
    const flags = { ...outputs, force: false, shared: false, stop: {}, retry: defaultRetryLimits };
    const out = join(home.folder, 'out');
    const { signal } = new AbortController();
    const summary = await runSweep(
      { plan, prepared, name: 'test', out, jobs: 1, limits, start, ...flags },
      fakeVmm(undefined, driver),
      () => undefined,
      { finish: signal, abort: signal },
    );
    const results = Array.from({ length: points }, async (_, index) => {
      const text = await readFile(join(pointFolder(out, index), 'result.json'), 'utf8');
      return JSON.parse(text) as InstanceResult;
    });
    return { summary, driver, results: await Promise.all(results) };
  }

  test('gives each machine that waited to one point, and leaves none', async () => {
    const { summary, driver, results } = await swept(6, 'on');
    expect(summary.counts.done).toBe(6);
    expect(await readdir(home.scratch)).toEqual([]);
    const pooled = results.filter((result) => result.pooled);
    expect(driver.exchanged).toHaveLength(pooled.length);
    expect(new Set(driver.exchanged.map(({ id }) => id)).size).toBe(pooled.length);
    for (const machine of driver.members.values()) await machine.exited;
  });

  test('keeps none ready where it is told so', async () => {
    const { driver, results } = await swept(4, 'off');
    expect(driver.started).not.toContain('member');
    expect(results.map(({ pooled }) => pooled)).toEqual(Array(4).fill(undefined));
  });
});
