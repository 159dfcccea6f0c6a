import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { gridFiles, pointFolder } from '../../src/system/paths.js';
import { digestFile } from '../../src/system/files.js';
import { doneScript, guestScript } from '../../src/vmm/fake/driver.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
import { eventually } from '../support/gva.js';
import {
  makeGrid,
  pointNames,
  pointOf,
  recordOf,
  resultOf,
  runWorker,
  shortly,
  startWorker,
} from './worker-fixture.js';

/** A RegExp by itself would match everything. */
const matching = (expression: RegExp): unknown => expect.stringMatching(expression);

let home: TestHome;
beforeEach(async () => (home = await makeTestHome()));
afterEach(() => home[Symbol.asyncDispose]());

const started = guestScript(['boot t=0.01', 'ready t=0.01', 'script-start t=0.02 name=50-autorun']);
const endedWith = (status: string) =>
  `echo "@gva1 script-end t=0.03 name=50-autorun status=${status} free=500" >&4; echo "@gva1 done t=0.04" >&4\n`;
/** Shell: the value of n, from the parameter disc. */
const readN = `n=$(grep -ao "n='[0-9]*'" "$GVA_FAKE_CDROM" | head -n 1 | tr -dc 0-9)\n`;

test('a worker runs the points of an element, publishes and records each', async () => {
  const grid = await makeGrid(home);
  const spec = await grid.element([3, 4, 5]);
  const { code, said } = await runWorker(home, spec);
  expect(code, said).toBe(0);
  const records = await recordOf(spec);
  expect(shortly(records)).toEqual([
    ...['began', 'staged', 'vmm', 'point-began 3', 'point-ended 3', 'point-began 4', 'point-ended 4'],
    ...['point-began 5', 'point-ended 5', 'ended'],
  ]);
  expect(records[0]).toMatchObject({ job: '7_0', node: 'n1', restarts: 0 });
  expect(records[1]).toMatchObject({ bytes: grid.bytes });
  expect(records[1]).not.toHaveProperty('inPlace');
  expect(records[4]).toMatchObject({ outcome: { state: 'done', status: 0 }, published: true });
  expect(await resultOf(grid.sweep, 4)).toMatchObject({ state: 'done', parameters: { n: 4, mode: 'fast' } });
  expect(await pointNames(grid.sweep)).toEqual(['0000003', '0000004', '0000005']);
  expect(await readdir(home.scratch)).toEqual([]);
});

describe('points that go wrong', () => {
  test('what failed is published; what was lost leaves what is known of it with the chunk', async () => {
    const grid = await makeGrid(home);
    const script = `${readN}${started}[ $n = 2 ] && { echo help >&5; exit 9; }\n${endedWith('$((n == 1 ? 7 : 0))')}`;
    const spec = await grid.element([1, 2, 3]);
    expect(await runWorker(home, spec, { FAKE_GUEST: script })).toMatchObject({ code: 0 });
    const ends = (await recordOf(spec)).filter(({ record }) => record === 'point-ended');
    expect(ends).toMatchObject([
      { point: 1, outcome: { state: 'failed', cause: 'script-status', status: 7 }, published: true },
      { point: 2, outcome: { state: 'lost', cause: 'vmm-failed' }, published: false },
      { point: 3, outcome: { state: 'done' }, published: true },
    ]);
    expect(await pointNames(grid.sweep)).toEqual(['0000001', '0000003']);
    const lost = join(grid.chunk, 'lost/0000002-1');
    expect((await readdir(lost)).sort()).toEqual(['console.log', 'events.jsonl', 'result.json']);
    expect(await readFile(join(lost, 'console.log'), 'utf8')).toBe('help\n');
  });

  test('one whose file has changed has failed, and is in the way of no other', async () => {
    const grid = await makeGrid(home);
    const source = join(home.folder, 'table');
    await writeFile(source, 'before');
    const file = { name: 'table', source, size: 6, sha256: await digestFile(source) };
    const points = [pointOf(grid.work, 1, [file]), pointOf(grid.work, 2)];
    const spec = await grid.element([], { points });
    expect(await runWorker(home, spec, { FAKE_GUEST: doneScript })).toMatchObject({ code: 0 });
    expect(await pointNames(grid.sweep)).toEqual(['0000001', '0000002']);
    await rm(join(grid.sweep, 'points'), { recursive: true });
    await writeFile(source, 'after!');
    expect(await runWorker(home, spec, { GVA_JOB: '8' })).toMatchObject({ code: 0 });
    const ends = (await recordOf(spec, '8')).filter(({ record }) => record === 'point-ended');
    expect(ends).toMatchObject([
      { outcome: { state: 'failed', cause: matching(/^INPUT_FILE: .*changed/) } },
      { point: 2 },
    ]);
    expect(await pointNames(grid.sweep)).toEqual(['0000002']);
  });

  test('three in a row that could not be run at all are the trouble of the node', async () => {
    const { work } = await makeGrid(home);
    await rm(join(home.folder, 'sweep'), { recursive: true });
    const grid = await makeGrid(home, { appliance: { ...work.appliance, output: { size: 1 } } });
    const spec = await grid.element([1, 2, 3, 4]);
    expect(await runWorker(home, spec)).toMatchObject({ code: 69 });
    const records = await recordOf(spec);
    expect(shortly(records).slice(-2)).toEqual(['point-ended 3', 'trouble']);
    expect(records.at(-1)).toMatchObject({ code: 'TOOL_FAILED', avoidNode: true });
  });
});

describe('what stands where a point belongs', () => {
  test('a result of the same work is not computed again', async () => {
    const grid = await makeGrid(home);
    await runWorker(home, await grid.element([1, 2]));
    const before = await resultOf(grid.sweep, 1);
    const spec = await grid.element([1, 2, 3]);
    expect(await runWorker(home, spec)).toMatchObject({ code: 0 });
    expect(shortly(await recordOf(spec)).slice(3)).toEqual([
      ...['point-known 1', 'point-known 2', 'point-began 3', 'point-ended 3', 'ended'],
    ]);
    expect(await resultOf(grid.sweep, 1)).toEqual(before);
  });

  test('a result of other work is set aside; files of somebody else stay, and the point is lost', async () => {
    const grid = await makeGrid(home);
    const other = 'e'.repeat(64);
    await runWorker(home, await grid.element([1]));
    const file = join(pointFolder(grid.sweep, 1), 'result.json');
    await writeFile(file, JSON.stringify({ ...(await resultOf(grid.sweep, 1)), identity: other }));
    // Not even a result.json that could never be read to its end.
    await mkdir(pointFolder(grid.sweep, 2));
    await promisify(execFile)('mkfifo', [join(pointFolder(grid.sweep, 2), 'result.json')]);
    const spec = await grid.element([1, 2]);
    expect(await runWorker(home, spec)).toMatchObject({ code: 0 });
    expect(await recordOf(spec)).toMatchObject([
      ...[{}, {}, {}, {}, { point: 1, published: true }, {}],
      { point: 2, outcome: { state: 'lost', cause: matching(/^OUT_EXISTS/) } },
      {},
    ]);
    expect(await resultOf(grid.sweep, 1)).toMatchObject({ identity: pointOf(grid.work, 1).identity });
    const aside = JSON.parse(
      await readFile(join(grid.sweep, 'points/.earlier', other, 'result.json'), 'utf8'),
    ) as object;
    expect(aside).toMatchObject({ identity: other });
    expect(await readdir(pointFolder(grid.sweep, 2))).toEqual(['result.json']);
    expect(await pointNames(grid.sweep)).toEqual(['0000001', '0000002']);
  });

  test('of two workers that finish one point at the same time, one publishes', async () => {
    const grid = await makeGrid(home);
    const spec = await grid.element([1, 2]);
    const go = join(home.folder, 'go');
    const script = `until [ -e '${go}' ]; do sleep 0.01; done\n${doneScript}`;
    const jobs = ['7_0', '8_0'];
    const workers = jobs.map((job) => startWorker(home, spec, { GVA_JOB: job, FAKE_GUEST: script }));
    const begun = async (job: string) =>
      shortly(await recordOf(spec, job).catch(() => [])).includes('point-began 1');
    await eventually(async () => (await Promise.all(jobs.map(begun))).every(Boolean));
    await writeFile(go, '');
    expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0]);
    const records = (await Promise.all(jobs.map((job) => recordOf(spec, job)))).flat();
    const published = (point: number, value: boolean) =>
      records.filter(
        (line) => line.record === 'point-ended' && line.point === point && line.published === value,
      );
    expect(published(1, true)).toHaveLength(1);
    expect(published(1, false)).toHaveLength(1);
    expect(published(2, true)).toHaveLength(1);
    expect(await pointNames(grid.sweep)).toEqual(['0000001', '0000002']);
    expect(await resultOf(grid.sweep, 1)).toMatchObject({ state: 'done' });
  });
});

describe('a shared file system that fails', () => {
  test('for a moment: the result is saved when it is back', async () => {
    const grid = await makeGrid(home);
    const spec = await grid.element([1]);
    const shard = join(grid.sweep, 'points/0000');
    // Not before the point is run: what is wrong before is seen before.
    const script = `mkdir '${grid.sweep}/points'; echo x >'${shard}'\n${doneScript}`;
    const worker = startWorker(home, spec, { FAKE_GUEST: script, FAKE_PATIENCE: '600' });
    await eventually(() => worker.said().includes('cannot save the results of point 1'));
    await rm(shard);
    expect(await worker.ended, worker.said()).toBe(0);
    expect((await recordOf(spec)).at(-2)).toMatchObject({ published: true });
    expect(await resultOf(grid.sweep, 1)).toMatchObject({ state: 'done' });
  });

  test('for good: the result is kept on the node, the record says where, and nothing more is begun', async () => {
    const grid = await makeGrid(home);
    const spec = await grid.element([1, 2]);
    const script = `mkdir '${grid.sweep}/points'; echo x >'${grid.sweep}/points/0000'\n${doneScript}`;
    const { code, said } = await runWorker(home, spec, { FAKE_GUEST: script });
    expect(code, said).toBe(69);
    const [end, trouble] = (await recordOf(spec)).slice(-2);
    expect(end).toMatchObject({
      ...{ record: 'point-ended', published: false },
      outcome: { state: 'lost', cause: matching(/^RESULT_UNSAVED/) },
    });
    expect(trouble).toMatchObject({ record: 'trouble', code: 'SHARED_FOLDER', avoidNode: true });
    const [kept] = await readdir(home.scratch);
    expect(end).toHaveProperty('kept', join(home.scratch, kept ?? ''));
    const result = await readFile(join(home.scratch, kept ?? '', 'result.json'), 'utf8');
    expect(JSON.parse(result)).toMatchObject({ state: 'done', parameters: { n: 1 } });
    // The next worker leaves it there.
    await rm(join(grid.sweep, 'points'), { recursive: true });
    expect(await runWorker(home, spec, { GVA_JOB: '8' })).toMatchObject({ code: 0 });
    expect(await readdir(home.scratch)).toEqual([kept]);
  });
});

describe('a job', () => {
  test('that has too little memory or too few CPUs says so before anything is started', async () => {
    const grid = await makeGrid(home);
    const given: [Record<string, string>, RegExp][] = [
      [{ GVA_MEMORY: String(256 << 20) }, /given 256 MiB of memory/],
      [{ GVA_CPUS: '1', GVA_MEMORY: '' }, /given 1 CPUs/],
    ];
    const { hardware } = grid.work.appliance;
    expect(hardware).toMatchObject({ cpus: 1, memory: 256 << 20 });
    await rm(grid.sweep, { recursive: true });
    const hungry = await makeGrid(home, {
      appliance: { ...grid.work.appliance, hardware: { ...hardware, cpus: 2 } },
    });
    for (const [env, message] of given) {
      const spec = await hungry.element([1]);
      expect(await runWorker(home, spec, env)).toMatchObject({ code: 69 });
      const records = await recordOf(spec);
      expect(shortly(records)).toEqual(['began', 'trouble']);
      expect(records[1]).toMatchObject({ code: 'ALLOCATION', message: matching(message), avoidNode: false });
    }
    expect(await pointNames(hungry.sweep)).toEqual([]);
  });

  test('on a node without a VMM asks for another node', async () => {
    const grid = await makeGrid(home);
    const spec = await grid.element([1]);
    const { code, said } = await runWorker(home, spec, { FAKE_MISSING: '' });
    expect(code).toBe(69);
    expect(said).toContain('Install it.');
    expect((await recordOf(spec)).at(-1)).toMatchObject({
      ...{ record: 'trouble', code: 'VMM_MISSING', avoidNode: true },
      message: 'fake cannot be used: it is not installed',
    });
  });

  test('whose time is nearly over begins no more points', async () => {
    const grid = await makeGrid(home);
    const spec = await grid.element([1, 2, 3], { seconds: 3 });
    const { code } = await runWorker(home, spec, { FAKE_GUEST: `sleep 2\n${doneScript}` });
    expect(code).toBe(143);
    const records = await recordOf(spec);
    expect(shortly(records).slice(-3)).toEqual(['point-began 1', 'point-ended 1', 'stopped']);
    expect(records.at(-1)).toMatchObject({ signal: 'TIME' });
  });

  test('that is begun anew goes on in its record, after a line that was torn', async () => {
    const grid = await makeGrid(home);
    const spec = await grid.element([1]);
    const record = join(grid.chunk, gridFiles.record('e0000.json', '7_0'));
    await writeFile(record, '{"record":"began"}\n{"record":"point-be');
    expect(await runWorker(home, spec, { GVA_RESTARTS: '1' })).toMatchObject({ code: 0 });
    const lines = (await readFile(record, 'utf8')).trimEnd().split('\n');
    expect(lines[1]).toBe('{"record":"point-be');
    const [began, ...others] = lines.slice(2).map((line) => JSON.parse(line) as { record: string });
    expect(began).toMatchObject({ record: 'began', restarts: 1 });
    expect(others.at(-1)?.record).toBe('ended');
  });
});
