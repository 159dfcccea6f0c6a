import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SweepSummary } from '../../src/model/sweep.js';
import { packageRoot } from '../../src/system/package.js';
import { doneScript } from '../../src/vmm/fake/driver.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
import { type FaultPlace, type NetworkFaults, faultsSoFar, networkFileSystem } from '../support/faults.js';
import { faultLayer, withoutFaults } from '../support/fault-layer.js';
import { expectEveryPoint, runGridClient, timesBegun, writeGridSweep } from '../support/grid-client.js';
import { noneLeft } from '../support/gva.js';

// The folder of a sweep is on a file system that behaves as NFS does at its worst: no locks, names that others see late, files
// that have gone stale, answers that were lost after the work was done. The layer is faults.c, in all processes: the client,
// the one that runs the jobs, and the jobs. GVA_LONG: more points, and all of it more often.
const long = process.env['GVA_LONG'] !== undefined;
const points = long ? 200 : 24;
/** A client that the file system is in the way of may be begun again; more would be too many. */
const mostRuns = 10;

const built = faultLayer();

let home: TestHome;
let place: FaultPlace;
let out: string;
beforeEach(async () => {
  home = await makeTestHome();
  out = join(home.folder, 'out');
  await mkdir(out);
  place = { shim: built.shim, root: out, state: join(home.folder, 'state'), log: join(home.folder, 'log') };
  await writeGridSweep(home.folder, points);
});
afterEach(async () => {
  await noneLeft(home.folder);
  await home[Symbol.asyncDispose]();
});

/** Runs the sweep by a grid on that file system, again and again until it has all; how often that was. */
async function sweepByGrid(faults: NetworkFaults): Promise<number> {
  const layer = await networkFileSystem(place, faults);
  const lines = Object.entries({ ...layer, FAKE_PATIENCE: '60' }).map(([name, value]) => `${name}=${value}`);
  const env = { ...layer, FAKE_ENV: lines.join('\n'), FAKE_PATIENCE: '6', FAKE_GUEST: guest };
  for (let runs = 1; runs <= mostRuns; runs++) {
    const summary = await runGridClient(home.folder, { env });
    if (summary?.counts.done !== points) continue;
    expect(summary.counts).toEqual({ pending: 0, done: points, failed: 0, lost: 0 });
    await expectEveryPoint(out, points);
    return runs;
  }
  throw new Error(`it is not through after ${mostRuns} runs`);
}

// The node has a file system of its own, and so has the guest.
const guest = withoutFaults('FAKE_GUEST') + doneScript;

/** Of all processes together: each of the client's own is an end of it, which begins it again. */
const often = { ESTALE: [307], REPLY: long ? [5, 11] : [11] };
const timeout = 900_000;

test.each([300, ...(long ? [3000] : [])])(
  'a sweep by a grid whose nodes see new names %i ms late has every point once, each begun once',
  { timeout },
  async (late) => {
    expect(await sweepByGrid({ kind: 'NONE', every: 0, late })).toBe(1);
    expect([...(await timesBegun(out)).values()]).toEqual(Array.from({ length: points }, () => 1));
  },
);

test.each(
  (['ESTALE', 'REPLY'] as const).flatMap((kind) => often[kind].map((every) => [kind, every] as const)),
)(
  'a sweep by a grid whose file server answers %s to one request in %i has every point once',
  { timeout },
  async (kind, every) => {
    const runs = await sweepByGrid({ kind, every, late: 100 });
    // What is done is done: nobody need begin again for that.
    if (kind === 'REPLY') expect(runs).toBe(1);
    expect((await faultsSoFar(place)).length).toBeGreaterThan(2);
  },
);

test('a sweep by a grid has every point once where there are no locks', { timeout }, async () => {
  expect(await sweepByGrid({ kind: 'ENOLCK', every: 1 })).toBe(1);
  expect((await faultsSoFar(place)).length).toBeGreaterThan(0);
});

test('a sweep of this machine has every point once where there are no locks', { timeout }, async () => {
  const env = { ...process.env, ...(await networkFileSystem(place, { kind: 'ENOLCK', every: 1 })) };
  const program = join(packageRoot, 'test/support/fake-sweep.mjs');
  const run = () =>
    new Promise<{ stdout: string; stderr: string }>((resolve) => {
      execFile(
        process.execPath,
        [program, join(home.folder, 'plan.yaml'), out],
        { env },
        (_, stdout, stderr) => resolve({ stdout, stderr }),
      );
    });
  const { stdout, stderr } = await run();
  expect(stderr).toBe('');
  expect((JSON.parse(stdout) as SweepSummary).counts).toEqual({
    pending: 0,
    done: points,
    failed: 0,
    lost: 0,
  });
  await expectEveryPoint(out, points);
  // What it has written without locks is read without them.
  await writeFile(join(home.folder, 'before'), await readFile(join(out, 'results.csv')));
  expect(JSON.parse((await run()).stdout)).toMatchObject({ counts: { done: points } });
  expect(await readFile(join(out, 'results.csv'))).toEqual(await readFile(join(home.folder, 'before')));
});
