import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SweepEvent, SweepManifest } from '../../src/model/sweep.js';
import { readPlan } from '../../src/sweep/plan/plan.js';
import { ResultsFile } from '../../src/sweep/results/results-file.js';
import { rebuildSweep } from '../../src/sweep/rebuild.js';
import { GvaError } from '../../src/system/errors.js';
import { pointFolder } from '../../src/system/paths.js';
import { doneScript } from '../../src/vmm/fake/driver.js';
import { CountingDriver } from '../support/counting-driver.js';
import { fakeBase } from '../support/fake-appliance.js';
import { leaveBeside } from '../support/left-over.js';
import { type Run, SweepHome, endedWith, readN, started } from './sweep-home.js';

let home: SweepHome;
let out: string;
beforeEach(async () => {
  home = await SweepHome.make();
  out = home.out;
});
afterEach(() => home[Symbol.asyncDispose]());

const makePlan = (parameters: string) => home.plan(parameters);
const sweep = (options?: Run) => home.sweep(options);
const rows = () => home.rows();
const shortRows = () => home.shortRows();
const manifest = async () => JSON.parse(await readFile(join(out, 'sweep.json'), 'utf8')) as SweepManifest;

describe('a sweep', () => {
  test('has a folder for each point, a table and a description', async () => {
    const { summary } = await sweep();
    const counts = { pending: 0, done: 4, failed: 0, lost: 0 };
    expect(summary).toMatchObject({ folder: out, points: 4, counts, kept: 0, interrupted: false });
    expect((await readdir(out)).sort()).toEqual([
      'points',
      'results.csv',
      'results.jsonl',
      'status.json',
      'store.db',
      'sweep.json',
    ]);
    const names = ['0000000', '0000001', '0000002', '0000003'];
    expect((await readdir(join(out, 'points/0000'))).sort()).toEqual(names);
    for (const [index, name] of names.entries()) {
      const result = await readFile(join(out, 'points/0000', name, 'result.json'), 'utf8');
      expect(JSON.parse(result)).toMatchObject({ parameters: { n: index + 1, mode: 'fast' }, state: 'done' });
    }
    expect((await rows())[0]).toMatch(/^gva_point,n,mode,gva_state,/);
    expect((await rows())[4]).toMatch(
      /^3,4,fast,done,,0,[-0-9T:.]+Z,[0-9.]+,[0-9.]+,.*,points\/0000\/0000003$/,
    );
    expect(await manifest()).toMatchObject({
      format: 'gva-sweep/1',
      appliance: { name: 'square', version: '1.2.3' },
      base: { name: 'micro', digest: fakeBase().digest },
      vmm: { name: 'fake', version: '1', accelerator: 'none' },
      plan: { text: 'appliance: ./square\nparameters:\n  n: { range: [1, 4] }\n' },
      parameters: ['n', 'mode'],
      count: 4,
    });
  });

  test('runs as many at once as it may, and never more', async () => {
    const go = join(home.folder, 'go');
    const driver = new CountingDriver({ script: `until [ -e '${go}' ]; do sleep 0.01; done\n${doneScript}` });
    const running = sweep({ driver, jobs: 3, plan: await makePlan('  n: { range: [1, 9] }\n') });
    await vi.waitFor(() => expect(driver.running).toBe(3), { timeout: 30_000 });
    await writeFile(go, '');
    await running;
    expect(driver.most).toBe(3);
    expect(driver.ids).toHaveLength(9);
  });

  test('of one point, asked for many at once', async () => {
    const begun: SweepEvent[] = [];
    const plan = await makePlan('  n: 1\n');
    await sweep({ plan, jobs: 50, onEvent: (event) => begun.push(event) });
    expect(begun[0]).toEqual({ event: 'begun', points: 1, kept: 0, parallel: 1 });
  });

  test('gives every point the files of the plan', async () => {
    await writeFile(join(home.folder, 'table.txt'), 'needle in the disc');
    await writeFile(
      join(home.folder, 'p.yaml'),
      'appliance: square\nparameters: { n: [1, 2] }\nfiles: [table.txt]\n',
    );
    const script = `${started}grep -aq 'needle in the disc' "$GVA_FAKE_CDROM"; s=$?\n${endedWith('$s')}`;
    const plan = await readPlan(join(home.folder, 'p.yaml'));
    const { summary } = await sweep({ plan, driver: new CountingDriver({ script }) });
    expect(summary.counts.done).toBe(2);
    expect((await manifest()).files).toMatchObject([{ name: 'table.txt', size: 18 }]);
  });
});

describe('points that go wrong', () => {
  test('do not keep the others from being run; the table says why', async () => {
    const script = `${readN}${started}[ $n = 2 ] && exit 0\n[ $n = 4 ] && exit 9\n${endedWith('$((n == 3 ? 7 : 0))')}`;
    const events: SweepEvent[] = [];
    const driver = new CountingDriver({ script });
    const { summary } = await sweep({ driver, onEvent: (event) => events.push(event) });
    expect(summary.counts).toEqual({ pending: 0, done: 1, failed: 1, lost: 2 });
    expect(await shortRows()).toEqual([
      '1,fast,done,,0',
      '2,fast,lost,no-done,',
      '3,fast,failed,script-status,7',
      '4,fast,lost,vmm-failed,',
    ]);
    const failure = events.find((event) => event.event === 'point-ended' && event.outcome.state === 'failed');
    expect(failure).toMatchObject({
      point: { index: 2, parameters: { n: 3 } },
      outcome: { message: 'script 50-autorun ended with status 7' },
    });
  });

  test('a point whose instance cannot be run at all is lost, with the reason', async () => {
    await sweep();
    await rm(pointFolder(out, 1), { recursive: true });
    await mkdir(pointFolder(out, 1));
    await writeFile(join(pointFolder(out, 1), 'diary'), 'private');
    const { summary } = await sweep();
    expect(summary.counts).toMatchObject({ done: 3, lost: 1 });
    expect((await rows())[2]).toMatch(/^1,2,fast,lost,.*OUT_EXISTS: the output folder .*,,,,,,,1,$/);
    expect(await readdir(pointFolder(out, 1))).toEqual(['diary']);
  });

  test('three in a row that cannot be run stop the sweep; what is done is kept', async () => {
    const plan = await makePlan('  n: { range: [1, 20] }\n');
    let ended = 0;
    const onEvent = (event: SweepEvent) => {
      // From now on no instance finds a place for its disks.
      if (event.event === 'point-ended' && ++ended === 2) vi.stubEnv('GVA_SCRATCH', '/nonexistent');
    };
    await expect(sweep({ plan, jobs: 1, onEvent })).rejects.toMatchObject({
      code: 'SWEEP_STOPPED',
      exitCode: 69,
      message: expect.stringContaining(
        '3 points in a row could not be run: cannot use the scratch',
      ) as unknown,
    });
    const states = (await rows()).slice(1).map((row) => row.split(',')[3]);
    expect(states).toEqual(['done', 'done', 'lost', 'lost', 'lost', ...Array<string>(15).fill('pending')]);
    vi.stubEnv('GVA_SCRATCH', home.scratch);
    expect((await sweep({ plan })).summary).toMatchObject({ kept: 2, counts: { done: 20 } });
  });
});

describe('the same command again', () => {
  test('runs nothing when all is done, and everything with force', async () => {
    await sweep();
    const before = await manifest();
    expect((await sweep()).ran).toEqual([]);
    expect((await sweep({ force: true })).ran).toEqual([0, 1, 2, 3]);
    expect(await shortRows()).toHaveLength(4);
    expect(await manifest()).toMatchObject({ startedAt: before.startedAt });
    expect((await manifest()).continuedAt).toBeDefined();
  });

  test('one that a condition stops while points wait to be run again ends', async () => {
    const { parseFailureLimit } = await import('../../src/sweep/schedule/stop-conditions.js');
    // The first is lost, and waits; the second fails, which is enough.
    const script = `${readN}[ "$n" = 1 ] && exit 3\nuntil [ -e '${home.folder}/go' ]; do sleep 0.01; done\n${started}${endedWith('1')}`;
    const { summary } = await sweep({
      plan: await home.plan('  n: [1, 2]\n'),
      driver: new CountingDriver({ script }),
      retry: { attempts: 50, retryFailed: 0, retryTimeouts: false },
      stop: { maxFailures: parseFailureLimit('1') },
      onEvent: ({ event }) => {
        if (event === 'point-again') void writeFile(join(home.folder, 'go'), '');
      },
    });
    expect(summary.counts).toMatchObject({ failed: 1, done: 0 });
    expect(summary.stopped).toBeDefined();
  });

  test('runs what is missing, failed or lost', async () => {
    const script = `${readN}${started}[ $n = 2 ] && exit 9\n${endedWith('$((n == 3 ? 7 : 0))')}`;
    await sweep({ driver: new CountingDriver({ script }) });
    await rm(pointFolder(out, 3), { recursive: true });
    const { summary, ran } = await sweep();
    expect(ran).toEqual([1, 2, 3]);
    expect(summary).toMatchObject({ kept: 1, counts: { done: 4, failed: 0, lost: 0 } });
  });

  test('runs again what was removed, and, after a rebuild, what cannot be read', async () => {
    await sweep();
    await rm(join(pointFolder(out, 0), 'result.json'));
    await writeFile(join(pointFolder(out, 1), 'result.json'), '');
    // What stands there has no result any more; only an empty folder, or one with a result, is ours to replace.
    await rm(pointFolder(out, 0), { recursive: true });
    expect((await sweep()).ran).toEqual([0, 1]);
    await writeFile(join(pointFolder(out, 2), 'result.json'), '{"state": "done"');
    await writeFile(join(pointFolder(out, 3), 'result.json'), '{"format": "gva-result/1", "state": "done"}');
    expect(await rebuildSweep(out, new AbortController().signal)).toBe(2);
    expect((await sweep()).ran).toEqual([2, 3]);
    expect((await sweep()).ran).toEqual([]);
  });

  test('makes a store that is damaged anew, keeps it, and says so', async () => {
    await home.sweep();
    const file = join(out, 'store.db');
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0x55, 4096));
    const notes: string[] = [];
    const onEvent = (event: SweepEvent) => {
      if (event.event === 'note') notes.push(`${event.code} ${event.message}`);
    };
    const { ran, summary } = await home.sweep({ onEvent });
    expect([ran, summary.kept, summary.counts.done]).toEqual([[], 4, 4]);
    const [kept, ...others] = (await readdir(out)).filter((name) => name.endsWith('.old'));
    expect([notes, others]).toEqual([[expect.stringContaining(`STORE_REBUILT`)], []]);
    expect(notes[0]).toContain(kept);
    // Opening it has changed its first page.
    const old = await readFile(join(out, kept ?? ''));
    expect(old.subarray(4096).equals(bytes.subarray(4096))).toBe(true);
    expect((await home.sweep()).summary.kept).toBe(4);
  });

  test('tells when each point began, after a rebuild too', async () => {
    const starts = async () => {
      const [header = [], ...rows] = (await home.rows()).map((row) => row.split(','));
      return rows.map((row) => row[header.indexOf('gva_started')]);
    };
    await sweep();
    const before = await starts();
    for (const [index, start] of before.entries()) {
      const result = await readFile(join(pointFolder(out, index), 'result.json'), 'utf8');
      expect(start).toBe((JSON.parse(result) as { startedAt: string }).startedAt);
    }
    await rebuildSweep(out, new AbortController().signal);
    await sweep();
    expect(await starts()).toEqual(before);
  });

  test('with a changed plan runs the points that are other work now', async () => {
    await sweep();
    const plan = await makePlan('  n: [1, 22, 3, 4, 5]\n');
    const { ran, summary } = await sweep({ plan });
    expect(ran).toEqual([1, 4]);
    expect(summary).toMatchObject({ kept: 3, points: 5, counts: { done: 5 } });
    expect((await shortRows()).map((row) => row.split(',')[0])).toEqual(['1', '22', '3', '4', '5']);
    expect((await manifest()).count).toBe(5);
    const fewer = await sweep({ plan: await makePlan('  n: [1, 22]\n') });
    expect(fewer.ran).toEqual([]);
    expect(await shortRows()).toHaveLength(2);
  });

  test('with a changed appliance runs everything', async () => {
    await sweep();
    await writeFile(join(home.folder, 'square/app/table'), 'new');
    expect((await sweep()).ran).toEqual([0, 1, 2, 3]);
  });

  test('writes the table that an earlier one could not write, though all is done', async () => {
    await sweep({ plan: await makePlan('  n: { range: [1, 2] }\n') });
    const plan = await makePlan('  n: { range: [1, 4] }\n');
    const refused = new GvaError('OUT_UNUSABLE', 'no');
    const write = vi.spyOn(ResultsFile.prototype, 'write').mockRejectedValue(refused);
    await expect(sweep({ plan })).rejects.toBe(refused);
    write.mockRestore();
    const { ran, summary } = await sweep({ plan });
    expect({ ran, done: summary.counts.done }).toEqual({ ran: [], done: 4 });
    expect(await shortRows()).toHaveLength(4);
    expect((await shortRows()).at(-1)).toMatch(/^4,fast,done/);
  });

  test('removes what a killed process had begun', async () => {
    await sweep();
    const files = ['sweep.json', 'results.csv', 'results.jsonl', 'status.json', 'gather.json'];
    const folders = ['points/0000/.0000002', '.gather', '.store.db'].map(
      (name) => `${name}.0123456789ab.tmp`,
    );
    const leftovers = [...files.map((name) => `.${name}.0123456789ab.tmp`), ...folders];
    for (const name of leftovers)
      if (folders.includes(name)) await mkdir(join(out, name, 'x'), { recursive: true });
      else await writeFile(join(out, name), '');
    await writeFile(join(out, 'points/0000/.mine'), '');
    await mkdir(join(out, 'requests'), { recursive: true });
    leaveBeside(join(out, 'requests/000000000000001-0123456789ab.json'));
    await sweep();
    expect(await readdir(join(out, 'requests'))).toEqual([]);
    expect(leftovers.filter((name) => existsSync(join(out, name)))).toEqual([]);
    expect(existsSync(join(out, 'points/0000/.mine'))).toBe(true);
  });

  test('begins where one was killed while it took the folder', async () => {
    await mkdir(join(out, '..lock-0123456789ab.0123456789ab.tmp'), { recursive: true });
    expect((await sweep()).ran).toEqual([0, 1, 2, 3]);
  });
});

describe('an interrupted sweep', () => {
  test('cancels what runs, writes the table, and goes on next time', async () => {
    const controller = new AbortController();
    const script = `${readN}${started}[ $n -gt 2 ] && sleep 600\n${endedWith('0')}`;
    const driver = new CountingDriver({ script });
    const running = sweep({ driver, jobs: 4, signal: controller.signal });
    await vi.waitFor(() => expect([driver.ids.length, driver.running]).toEqual([4, 2]), { timeout: 30_000 });
    await vi.waitFor(() => expect(existsSync(join(pointFolder(out, 1), 'result.json'))).toBe(true));
    await vi.waitFor(() => expect(existsSync(join(pointFolder(out, 0), 'result.json'))).toBe(true));
    controller.abort();
    const { summary } = await running;
    expect(driver.running).toBe(0);
    expect(summary).toMatchObject({ interrupted: true, counts: { done: 2, pending: 2 } });
    expect(await shortRows()).toEqual([
      '1,fast,done,,0',
      '2,fast,done,,0',
      '3,fast,cancelled,interrupted,',
      '4,fast,cancelled,interrupted,',
    ]);
    expect((await readdir(join(out, 'points/0000'))).sort()).toEqual(['0000000', '0000001']);
    const again = await sweep();
    expect(again.ran).toEqual([2, 3]);
    expect(again.summary).toMatchObject({ interrupted: false, counts: { done: 4 } });
  });

  test('at its very beginning can be begun again in the same folder', async () => {
    await expect(sweep({ signal: AbortSignal.abort() })).rejects.toBeDefined();
    expect((await sweep()).summary.counts.done).toBe(4);
  });

  test('before its first point leaves the table of an earlier run alone', async () => {
    await sweep();
    const before = await rows();
    await expect(sweep({ force: true, signal: AbortSignal.abort() })).rejects.toBeDefined();
    expect(await rows()).toEqual(before);
  });
});
