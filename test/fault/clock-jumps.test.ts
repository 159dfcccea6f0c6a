import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { InstanceResult } from '../../src/model/result.js';
import type { SweepSummary } from '../../src/model/sweep.js';
import type { SweepStatus } from '../../src/model/sweep-status.js';
import { packageRoot } from '../../src/system/package.js';
import { pointFolder } from '../../src/system/paths.js';
import { type JumpingClock, makeJumpingClock } from '../support/clock.js';
import { type TestHome, makeTestHome, squareManifest, writeAppliance } from '../support/fake-appliance.js';
import { expectEveryPoint, runGridClient, timesBegun, writeGridSweep } from '../support/grid-client.js';
import { gva, noneLeft, readResult, writeAppliance as writeFolder } from '../support/gva.js';
import { endedWith, readN, started } from '../sweep/sweep-home.js';

// The time of day jumps forward and back, up to ten years, while things run. GVA_LONG: more points, and more often.
/** Where bases are. */
const { XDG_DATA_HOME = '' } = process.env;
const points = process.env['GVA_LONG'] ? 400 : 40;

let home: TestHome;
let out: string;
let clock: JumpingClock;
beforeEach(async () => {
  home = await makeTestHome();
  out = join(home.folder, 'out');
  clock = await makeJumpingClock(home.folder, 10);
});
afterEach(async () => {
  await noneLeft(home.folder);
  await home[Symbol.asyncDispose]();
});

const lines = (env: JumpingClock['env']) =>
  Object.entries(env)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');

/** Durations are what a clock says that does not jump. */
function expectNoJumps({ times, state }: InstanceResult, seconds: number): void {
  const moments = Object.values(times).filter((time) => time !== null);
  expect(moments.length, state).toBeGreaterThan(2);
  expect(moments).toEqual(moments.toSorted((a, b) => a - b));
  expect(moments.every((time) => time >= 0 && time < seconds)).toBe(true);
}

test(
  'a sweep has all points right, tries again what was lost, and ends what hangs',
  { timeout: 300_000 },
  async () => {
    await writeAppliance(home.folder, squareManifest);
    const plan = `appliance: ./square\nparameters: { n: { range: [1, ${points}] } }\n`;
    await writeFile(join(home.folder, 'plan.yaml'), plan);
    const once = join(home.folder, 'once');
    await mkdir(once);
    // Every fifth guest vanishes at its first attempt; the last one hangs for ever.
    const script =
      readN +
      started +
      `if [ $((n % 5)) = 0 ] && mkdir "${once}/$n" 2>/dev/null; then exit 0; fi\n` +
      `if [ "$n" = ${points} ]; then exec sleep 1000; fi\n` +
      endedWith('0');
    const args = [join(packageRoot, 'test/support/fake-sweep.mjs'), join(home.folder, 'plan.yaml'), out];
    const began = performance.now();
    const said = await new Promise<string>((resolve) => {
      const env = { ...process.env, ...clock.env, GVA_FAKE_SCRIPT: script, GVA_FAKE_TIMEOUT: '3' };
      execFile(process.execPath, args, { env }, (_, stdout, stderr) => resolve(stdout || stderr));
    });
    const seconds = (performance.now() - began) / 1000;
    const summary = JSON.parse(said) as SweepSummary;
    expect(summary.counts).toEqual({ pending: 0, done: points - 1, failed: 0, lost: 1 });
    expect(summary.seconds).toBeGreaterThan(3);
    expect(summary.seconds).toBeLessThan(seconds);
    expect(await clock.jumps()).toBeGreaterThan(20);
    const rows = (await readFile(join(out, 'results.csv'), 'utf8')).trimEnd().split('\r\n');
    const columns = rows[0]!.split(',');
    for (const [index, row] of rows.slice(1).entries()) {
      const cells = row.split(',');
      const state = index === points - 1 ? 'lost' : 'done';
      expect(cells.slice(0, 4)).toEqual([String(index), String(index + 1), 'fast', state]);
      const durations = cells.filter((_, at) => /^gva_.*_s$/.test(columns[at]!) && cells[at] !== '');
      for (const duration of durations) {
        expect(Number(duration)).toBeGreaterThanOrEqual(0);
        expect(Number(duration)).toBeLessThan(seconds);
      }
      expectNoJumps(await readResult(pointFolder(out, index)), seconds);
    }
    expect((await readdir(out)).filter((name) => name.startsWith('.'))).toEqual([]);
  },
);

test(
  'a sweep by a grid has every point once, each begun once, and knows how long they took',
  { timeout: 300_000 },
  async () => {
    await writeGridSweep(home.folder, points);
    const summary = await runGridClient(home.folder, { env: { ...clock.env, FAKE_ENV: lines(clock.env) } });
    expect(summary?.counts).toEqual({ pending: 0, done: points, failed: 0, lost: 0 });
    expect(await clock.jumps()).toBeGreaterThan(20);
    await expectEveryPoint(out, points);
    expect([...(await timesBegun(out)).values()].every((times) => times === 1)).toBe(true);
    const status = JSON.parse(await readFile(join(out, 'status.json'), 'utf8')) as SweepStatus;
    expect(status.slowest.length).toBeGreaterThan(0);
    for (const { seconds } of status.slowest) {
      expect(seconds).toBeGreaterThanOrEqual(0);
      expect(seconds).toBeLessThan(300);
    }
  },
);

test('a guest that hangs is ended at its time limit', { timeout: 300_000 }, async () => {
  const appliance = join(home.folder, 'appliance');
  await writeFolder(appliance, { job: 'sleep 100' });
  const args = ['run', appliance, '--out', out, '--timeout', '4s', '--vmm', 'uml', '--start', 'cold'];
  const { code, stderr } = await gva(args, { ...clock.env, XDG_DATA_HOME });
  expect({ code, stderr }).toMatchObject({ code: 69, stderr: expect.stringContaining('4') as unknown });
  const result = await readResult(out);
  expect(result).toMatchObject({ state: 'lost' });
  expectNoJumps(result, 100);
  expect(await clock.jumps()).toBeGreaterThan(1);
});
