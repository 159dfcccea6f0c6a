import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PreparedAppliance } from '../../src/instance/prepare.js';
import type { PointOutcome } from '../../src/model/sweep.js';
import { HostWatch } from '../../src/sweep/host-watch.js';
import { readPlan } from '../../src/sweep/plan/plan.js';
import { type PointRun, runPoint } from '../../src/sweep/run-point.js';
import { type SweepSpec, runSweep } from '../../src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../../src/sweep/schedule/retry-policy.js';
import { doneScript } from '../../src/vmm/fake/driver.js';
import { type TestHome, fakeVmm, makeTestHome, prepareSquare } from '../support/fake-appliance.js';

const done: PointOutcome = { state: 'done', status: 0, times: null };
const limits = { boot: 600, total: undefined, powerOff: 600 };
const never = new AbortController().signal;
/** Bytes that no disk has. */
const endless = 2 ** 60;

let home: TestHome;
let prepared: PreparedAppliance;
beforeEach(async () => {
  home = await makeTestHome();
  prepared = await prepareSquare(home);
});
afterEach(() => home[Symbol.asyncDispose]());

async function specOf(values: string): Promise<SweepSpec> {
  const file = join(home.folder, 'plan.yaml');
  await writeFile(file, `appliance: ./square\nparameters: { n: ${values} }\n`);
  const flags = { force: false, keep: 'files', keepDisks: false, shared: false } as const;
  const spec = { plan: await readPlan(file), prepared, name: 'test', out: join(home.folder, 'out'), jobs: 1 };
  return { ...spec, ...flags, limits, retry: defaultRetryLimits, stop: {} };
}

test.each([
  ['scratch folder', { scratch: endless, results: 0 }],
  ['results folder', { scratch: 0, results: endless }],
] as const)('what an instance took in the %s is reckoned with for the next ones', async (what, took) => {
  await using host = await HostWatch.start(prepared.appliance, home.folder, 2);
  host.note(1, { outcome: done });
  expect((await host.look(1, 0, 10)).pause).toBeUndefined();
  host.note(2, { outcome: done, took });
  expect((await host.look(2, 0, 10)).pause).toMatch(new RegExp(`^the ${what} .* left; it goes on from`));
});

test('a disk that was full pauses, however little was taken', async () => {
  await using host = await HostWatch.start(prepared.appliance, home.folder, 2);
  host.note(1, { outcome: { state: 'lost', cause: 'ENOSPC: full', status: null, times: null } });
  expect((await host.look(2, 0, 10)).pause).toMatch(/^the disk of the scratch folder .* was full$/);
});

test('a point says what its disks took, and what of it was kept', async () => {
  const runOf = async (spec: SweepSpec, script: string): Promise<PointRun> => {
    const [point] = spec.plan.points.points();
    const watch = { signal: never, onStarting: () => undefined, onEvent: () => undefined };
    return runPoint(spec, point!, fakeVmm(script), watch);
  };
  const spec = await specOf('[1]');
  const mib = 2 ** 20;
  // Beside the disks that it was given, which take some hundred KiB.
  const more = `head -c ${3 * mib} /dev/urandom >"$(dirname "$GVA_FAKE_CDROM")/more.img"\n${doneScript}`;
  const { took: little } = await runOf(spec, doneScript);
  const { took: much } = await runOf(spec, more);
  const { took: kept } = await runOf({ ...spec, keepDisks: true }, more);
  expect(little!.scratch).toBeGreaterThan(0);
  expect(much!.scratch - little!.scratch).toBeGreaterThanOrEqual(3 * mib);
  expect(much!.results).toBeLessThan(mib);
  expect(kept!.results).toBe(much!.results + kept!.scratch);
});

test('a sweep begins no more instances where the last one took more than there is left', async () => {
  const finish = new AbortController();
  const pauses: string[] = [];
  let ran = 0;
  const summary = await runSweep(
    await specOf('[1, 2, 3]'),
    fakeVmm(),
    (event) => {
      if (event.event !== 'paused') return;
      pauses.push(event.reason);
      finish.abort();
    },
    { finish: finish.signal, abort: never },
    async (...args) => {
      // The second one runs until the host has been looked at.
      if (++ran === 2) await new Promise((go) => finish.signal.addEventListener('abort', go));
      return { ...(await runPoint(...args)), took: { scratch: endless, results: 0 } };
    },
  );
  expect(pauses).toEqual([expect.stringMatching(/^the scratch folder .* left/)]);
  expect(summary.counts).toMatchObject({ done: 2, pending: 1 });
});
