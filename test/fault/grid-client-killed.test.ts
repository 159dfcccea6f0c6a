import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SweepStatus } from '../../src/model/sweep-status.js';
import { doneScript } from '../../src/vmm/fake/driver.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
import {
  type ClientOptions,
  expectEveryPoint,
  runGridClient,
  timesBegun,
  writeGridSweep,
} from '../support/grid-client.js';
import { eventually, gva, noneLeft } from '../support/gva.js';

// A sweep by the grid engine local, with workers in processes of their own whose guests are shell scripts.
const [points, kills] = process.env['GVA_LONG'] ? [200, 20] : [24, 4];

let home: TestHome;
let out: string;
beforeEach(async () => {
  home = await makeTestHome();
  out = join(home.folder, 'out');
  await writeGridSweep(home.folder, points);
});
afterEach(async () => {
  await noneLeft(home.folder);
  await home[Symbol.asyncDispose]();
});

const run = (options?: ClientOptions) => runGridClient(home.folder, options);
const checkPoints = () => expectEveryPoint(out, points);
const begun = () => timesBegun(out);

test(
  `a sweep of ${points} points whose client is killed ${kills} times has every point once`,
  { timeout: 900_000 },
  async () => {
    // Long enough that most are killed while jobs run.
    const env = { FAKE_GUEST: `sleep 0.3\n${doneScript}` };
    let survived = 0;
    for (let kill = 0; kill < kills; kill++)
      if (await run({ env, killAfter: 300 + Math.random() * 1500 })) survived++;
    const summary = await run({ env });
    expect(summary?.counts).toEqual({ pending: 0, done: points, failed: 0, lost: 0 });
    expect(survived).toBeLessThan(kills);
    await checkPoints();
    // Jobs go on while their client is killed: nothing was run twice.
    expect([...(await begun()).values()].every((times) => times === 1)).toBe(true);
  },
);

test('a sweep that is left to its jobs is taken in by whoever looks', { timeout: 300_000 }, async () => {
  const summary = await run({ words: ['--detach'] });
  expect(summary).toMatchObject({ interrupted: false, jobs: { engine: 'local', unsubmitted: 0 } });
  const status = async () => {
    const { code, stdout, stderr } = await gva(['sweep', 'status', out, '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as SweepStatus & { owner: string };
  };
  await eventually(async () => (await status()).state === 'finished');
  expect(await status()).toMatchObject({
    ...{ owner: 'none', counts: { done: points, active: 0 } },
    grid: { engine: 'local', pending: 0, running: 0 },
  });
  await checkPoints();
});

test('a last job takes in what all others have done', { timeout: 300_000 }, async () => {
  await run({ words: ['--detach', '--summary'] });
  const finished = async () => {
    const text = await readFile(join(out, 'status.json'), 'utf8');
    return (JSON.parse(text) as SweepStatus).state === 'finished';
  };
  await eventually(finished);
  await checkPoints();
});

test('jobs that go on without a client are ended on request', { timeout: 300_000 }, async () => {
  // The first points are done, the others hang.
  const script = `if mkdir '${home.folder}/first' 2>/dev/null; then :; else sleep 1000; fi\n${doneScript}`;
  await run({ words: ['--detach'], env: { FAKE_GUEST: script } });
  await eventually(async () => (await begun()).size > 1);
  const { code, stderr } = await gva(['sweep', 'cancel', out]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: `${out}: stopped\n` });
  const status = JSON.parse(await readFile(join(out, 'status.json'), 'utf8')) as SweepStatus;
  expect(status).toMatchObject({
    ...{ state: 'stopped', reason: 'it was cancelled', counts: { done: 1, active: 0 } },
    grid: { pending: 0, running: 0 },
  });
  await noneLeft(home.folder);
  expect(await gva(['sweep', 'cancel', out])).toMatchObject({ code: 2 });
});
