import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, rename, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { leaveSignal, timeToSave } from '../../src/grid/worker/leave.js';
import { runWorker } from '../../src/grid/worker/run-worker.js';
import type { CheckpointManifest } from '../../src/model/checkpoint.js';
import { ExitCode } from '../../src/system/errors.js';
import { pointCheckpoint } from '../../src/system/paths.js';
import { guestScript } from '../../src/vmm/fake/driver.js';
import { CheckpointDriver } from '../support/checkpoint-driver.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
import { type TestGrid, makeGrid, pointNames, recordOf, resultOf, shortly } from './worker-fixture.js';

let home: TestHome;
let grid: TestGrid;
beforeEach(async () => {
  home = await makeTestHome();
  grid = await makeGrid(home, { checkpointEvery: 600, limits: { boot: 60, powerOff: 0.05 } });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await home[Symbol.asyncDispose]();
});

const begun = guestScript(['boot t=1', 'ready t=1', 'script-start t=2 name=50-autorun']);
const ended = guestScript(['script-end t=7 name=50-autorun status=0 free=500', 'done t=8 scripts=1']);
/** A guest that does not come to its end before it has been saved. It stays until it is ended: so is all that it says heard. */
const scripts = { begin: `${begun}sleep 1000`, goOn: `${ended}sleep 1000` };
const endless = { begin: `${begun}sleep 1000`, goOn: `${begun}sleep 1000` };
/** A guest that comes to its end. */
const quick = { begin: begun + ended, goOn: 'exit 1' };

interface Job {
  readonly name?: string;
  readonly restarts?: number;
  /** The job is told to end when the script of the guest of this number of its runs. */
  readonly stopAt?: number;
  readonly stop?: () => void;
}

async function* untilScript(lines: AsyncIterable<string>, stop: () => void): AsyncGenerator<string> {
  for await (const line of lines) {
    yield line;
    if (line.includes('script-start')) stop();
  }
}

/** Runs a worker in this process. */
async function job(
  driver: CheckpointDriver,
  spec: string,
  { name = '7_0', restarts = 0, stopAt, ...how }: Job = {},
) {
  vi.stubEnv('GVA_NODE_CACHE', home.folder);
  vi.stubEnv('GVA_JOB', name);
  vi.stubEnv('GVA_NODE', 'n1');
  vi.stubEnv('GVA_RESTARTS', String(restarts));
  const told = new AbortController();
  const { stop = () => told.abort('TERM') } = how;
  const said: string[] = [];
  let guests = 0;
  const really = driver.start.bind(driver);
  const start = vi.spyOn(driver, 'start');
  start.mockImplementation(async (machine) => {
    const started = await really(machine);
    return ++guests === stopAt ? { ...started, lines: untilScript(started.lines, stop) } : started;
  });
  const code = await runWorker({
    ...{ spec, driversOf: () => new Map([['fake', driver]]), signal: told.signal, patience: 0 },
    log: (message) => said.push(message),
  });
  start.mockRestore();
  expect(await readdir(home.scratch)).toEqual([]);
  return { code, said: said.join('\n'), records: shortly(await recordOf(spec, name)).slice(3) };
}

const saved = async (point: number) => (await readdir(pointCheckpoint(grid.sweep, point))).sort();
const manifestOf = (point: number, name: string) =>
  join(pointCheckpoint(grid.sweep, point), name, 'checkpoint.json');
const readManifest = async (point: number, name: string) =>
  JSON.parse(await readFile(manifestOf(point, name), 'utf8')) as CheckpointManifest;

/** An older attempt, or one that came less far, or further. */
async function copyAttempt(from: string, to: string, elapsed: number): Promise<void> {
  const folder = pointCheckpoint(grid.sweep, 1);
  await cp(join(folder, from), join(folder, to), { recursive: true });
  const manifest = await readManifest(1, to);
  const progress = { ...manifest.progress, elapsed };
  await writeFile(manifestOf(1, to), JSON.stringify({ ...manifest, progress }));
}

test('a worker that is told to end saves what runs, and the next one goes on from there', async () => {
  const spec = await grid.element([1, 2]);
  const driver = new CheckpointDriver(scripts);
  const first = await job(driver, spec, { stopAt: 1 });
  expect(first).toMatchObject({
    code: ExitCode.stopped,
    records: ['point-began 1', 'point-saved 1', 'stopped'],
  });
  expect(await pointNames(grid.sweep)).toEqual([]);
  expect(await saved(1)).toEqual(['7_0-r0']);
  // The grid begins the same job anew.
  const second = await job(driver, spec, { restarts: 1, stopAt: 2 });
  expect(driver.resumed).toEqual(['a state']);
  expect(second.said).toMatch(/point 1: goes on from the checkpoint of 20/);
  expect(second.records.slice(-5)).toEqual([
    ...['point-began 1', 'point-ended 1', 'point-began 2', 'point-saved 2', 'stopped'],
  ]);
  expect(await resultOf(grid.sweep, 1)).toMatchObject({ state: 'done', resumed: 1 });
  // A point that has a result needs none.
  expect(existsSync(pointCheckpoint(grid.sweep, 1))).toBe(false);
  expect(await saved(2)).toEqual(['7_0-r1']);
  expect(await job(driver, spec, { name: '8_0' })).toMatchObject({ code: 0 });
  expect(await pointNames(grid.sweep)).toEqual(['0000001', '0000002']);
  expect(existsSync(pointCheckpoint(grid.sweep, 2))).toBe(false);
});

test('each job saves into a folder of its own, and what the others have saved stays', async () => {
  const spec = await grid.element([1]);
  await job(new CheckpointDriver(endless), spec, { stopAt: 1 });
  const before = await readManifest(1, '7_0-r0');
  await job(new CheckpointDriver(endless), spec, { name: '8_0', stopAt: 1 });
  // The same number again, years later.
  await job(new CheckpointDriver(endless), spec, { name: '7_0', stopAt: 1 });
  expect(await saved(1)).toEqual(['7_0-r0', '7_0-r0-2', '8_0-r0']);
  expect(await readManifest(1, '7_0-r0')).toEqual(before);
  expect((await readManifest(1, '7_0-r0-2')).progress.resumed).toBe(2);
});

test('the one that has come furthest is gone on from', async () => {
  const spec = await grid.element([1]);
  await job(new CheckpointDriver(endless), spec, { stopAt: 1 });
  await copyAttempt('7_0-r0', '5_0-r0', 4000);
  await copyAttempt('7_0-r0', '6_0-r0', 3000);
  const driver = new CheckpointDriver(endless);
  await job(driver, spec, { name: '8_0', stopAt: 1 });
  expect((await readManifest(1, '8_0-r0')).progress.elapsed).toBeGreaterThan(4000);
});

test('one that is damaged, or half there, is passed over for the next best', async () => {
  const spec = await grid.element([1]);
  await job(new CheckpointDriver(endless), spec, { stopAt: 1 });
  await copyAttempt('7_0-r0', '5_0-r0', 4000);
  await truncate(join(pointCheckpoint(grid.sweep, 1), '5_0-r0/1-state.gz'), 3);
  await copyAttempt('7_0-r0', '6_0-r0', 3000);
  await copyAttempt('7_0-r0', '4_0-r0', 5000);
  await rename(manifestOf(1, '4_0-r0'), `${manifestOf(1, '4_0-r0')}.tmp`);
  const driver = new CheckpointDriver(endless);
  const { said } = await job(driver, spec, { name: '8_0', stopAt: 1 });
  expect(said).toMatch(/point 1: the checkpoint is refused: its file 1-state.gz has 3 bytes/);
  const { elapsed } = (await readManifest(1, '8_0-r0')).progress;
  expect(elapsed).toBeGreaterThan(3000);
  expect(elapsed).toBeLessThan(4000);
});

test('on a node of another kind the point begins anew, and the checkpoint stays for others', async () => {
  const spec = await grid.element([1]);
  await job(new CheckpointDriver(endless), spec, { stopAt: 1 });
  const other = new CheckpointDriver(endless);
  other.facts = { qemu: '2' };
  const { said } = await job(other, spec, { name: '8_0', stopAt: 1 });
  expect(said).toContain('the version of QEMU is 2 here, and was 1');
  expect(other.resumed).toEqual([]);
  expect(await saved(1)).toEqual(['7_0-r0', '8_0-r0']);
  const fit = new CheckpointDriver(scripts);
  await job(fit, spec, { name: '9_0' });
  expect(fit.resumed).toEqual(['a state']);
  expect(await resultOf(grid.sweep, 1)).toMatchObject({ state: 'done', resumed: 1 });
  expect(existsSync(pointCheckpoint(grid.sweep, 1))).toBe(false);
});

test('a folder that cannot be looked at is no reason to begin anew', async () => {
  const spec = await grid.element([1]);
  await mkdir(dirname(pointCheckpoint(grid.sweep, 1)), { recursive: true });
  await symlink('0000001', pointCheckpoint(grid.sweep, 1));
  const { code, records } = await job(new CheckpointDriver(quick), spec);
  expect(code).toBe(ExitCode.infrastructure);
  expect(records).toEqual(['point-began 1', 'trouble']);
});

test('what cannot be saved at the end is ended all the same, and counts as not saved', async () => {
  const spec = await grid.element([1]);
  const driver = new CheckpointDriver(endless);
  driver.failure = new Error('no room');
  const { code, records } = await job(driver, spec, { stopAt: 1 });
  expect(code).toBe(ExitCode.stopped);
  expect(records).toEqual(['point-began 1', 'stopped']);
});

test('what is left of a point whose result is there goes', async () => {
  const spec = await grid.element([1]);
  await job(new CheckpointDriver(endless), spec, { stopAt: 1 });
  const kept = `${pointCheckpoint(grid.sweep, 1)}-kept`;
  await cp(pointCheckpoint(grid.sweep, 1), kept, { recursive: true });
  await job(new CheckpointDriver(scripts), spec, { name: '8_0' });
  await rename(kept, pointCheckpoint(grid.sweep, 1));
  const { records } = await job(new CheckpointDriver(quick), spec, { name: '9_0' });
  expect(records).toEqual(['point-known 1', 'ended']);
  expect(existsSync(pointCheckpoint(grid.sweep, 1))).toBe(false);
});

test("a job whose time is nearly over saves what runs, and that is the job's end", async () => {
  const clock = new AbortController();
  vi.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(clock.signal);
  const spec = await grid.element([1, 2], { seconds: 36_000 });
  const { code, records } = await job(new CheckpointDriver(endless), spec, {
    ...{ stopAt: 1, stop: () => clock.abort() },
  });
  expect(code).toBe(ExitCode.stopped);
  expect(records).toEqual(['point-began 1', 'point-saved 1', 'stopped']);
  expect((await recordOf(spec)).at(-1)).toMatchObject({ signal: 'TIME' });
});

test('a driver that cannot save is no use for such work', async () => {
  const driver = new CheckpointDriver(quick);
  const capabilities = { ...driver.capabilities, checkpoints: false };
  vi.spyOn(driver, 'capabilities', 'get').mockReturnValue(capabilities);
  const { code, said } = await job(driver, await grid.element([1]));
  expect(code).toBe(ExitCode.infrastructure);
  expect(said).toContain('fake cannot save a running machine');
});

test('time is left for saving, by what there is to save', () => {
  const [hour, mebibyte] = [3600, 2 ** 20];
  expect(timeToSave(hour, 1000 * mebibyte)).toBe(80);
  expect(timeToSave(60, 1000 * mebibyte)).toBe(15);
  const stop = new AbortController().signal;
  expect(leaveSignal(stop, undefined, 0)).toBe(stop);
  // Longer than any timer.
  expect(leaveSignal(stop, 60 * 24 * hour, 0, 0)).toBe(stop);
});
