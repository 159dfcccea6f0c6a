import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { prepareAppliance } from '../../src/instance/prepare.js';
import { Templates } from '../../src/instance/template/templates.js';
import { readPlan } from '../../src/sweep/plan/plan.js';
import { runSweep } from '../../src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../../src/sweep/schedule/retry-policy.js';
import {
  type TestHome,
  fakeBase,
  fakeVmm,
  makeTestHome,
  squareManifest,
  writeAppliance,
} from '../support/fake-appliance.js';
import { TemplateDriver } from '../support/template-driver.js';

let home: TestHome;
beforeEach(async () => {
  home = await makeTestHome();
  await writeAppliance(home.folder, `${squareManifest}hardware: { memory: 96M }\n`);
});
afterEach(() => home[Symbol.asyncDispose]());

/** Runs a sweep of so many points into the folder `out`; gives what was started. */
async function started(points: number, choice: 'auto' | 'cold' = 'auto', out = 'out') {
  const file = join(home.folder, 'plan.yaml');
  await writeFile(file, `appliance: ./square\nparameters:\n  n: { range: [1, ${points}] }\n`);
  const plan = await readPlan(file);
  if (plan.source.kind !== 'folder') throw new Error('the plan is of a folder');
  const prepared = await prepareAppliance(plan.source, { ...fakeBase(), wake: true });
  const driver = new TemplateDriver();
  const start = { choice, make: 'never', templates: new Templates(() => undefined) } as const;
  const limits = { boot: 600, total: undefined, powerOff: 600 };
  const outputs = { keep: 'files', keepDisks: false } as const;
  const flags = { ...outputs, force: false, shared: false, stop: {}, retry: defaultRetryLimits };
  const { signal } = new AbortController();
  const summary = await runSweep(
    { plan, prepared, name: 'test', out: join(home.folder, out), jobs: 2, limits, start, ...flags },
    fakeVmm(undefined, driver),
    () => undefined,
    { finish: signal, abort: signal },
  );
  expect(summary.counts.done).toBe(points);
  return driver.started.sort();
}

describe('the points of a sweep are started', () => {
  test('warm where they are enough for making a template, of which there is one', async () => {
    expect(await started(4)).toEqual(['clone', 'clone', 'clone', 'clone', 'template']);
  });

  test('cold where they are few, unless there is a template', async () => {
    expect(await started(3)).toEqual(['cold', 'cold', 'cold']);
    await started(4, 'auto', 'other');
    expect(await started(2, 'auto', 'third')).toEqual(['clone', 'clone']);
  });

  test('by the number of those that are to be run', async () => {
    expect(await started(3)).toEqual(['cold', 'cold', 'cold']);
    expect(await started(5)).toEqual(['cold', 'cold']);
    await rm(join(home.folder, 'out'), { recursive: true });
    expect(await started(5)).toContain('template');
  });

  test('cold where that is asked for', async () => {
    expect(await started(4, 'cold')).toEqual(['cold', 'cold', 'cold', 'cold']);
  });
});
