import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadAppliance } from '../../src/appliance/load.js';
import { collectOutput } from '../../src/instance/collect.js';
import { prepareAppliance } from '../../src/instance/prepare.js';
import type { SweepEvent } from '../../src/model/sweep.js';
import type { SweepStatus } from '../../src/model/sweep-status.js';
import type { GatherStep } from '../../src/sweep/gather.js';
import { putRequest } from '../../src/sweep/observe/requests.js';
import { removeSweep } from '../../src/sweep/observe/remove.js';
import { readStatus } from '../../src/sweep/observe/status.js';
import { pointFolder } from '../../src/system/paths.js';
import { CountingDriver } from '../support/counting-driver.js';
import { fakeBase, fakeVmm } from '../support/fake-appliance.js';
import { type Run, SweepHome, endedWith, leaving, readN, started } from './sweep-home.js';

let home: SweepHome;
let out: string;
beforeEach(async () => {
  home = await SweepHome.make();
  out = home.out;
});
afterEach(() => home[Symbol.asyncDispose]());

/** Counts in a file beside the sweep how often it was run. */
const counting = () => `echo x >>'${home.folder}/count'; cut -d, -f1,4 results.csv`;
const times = async () => (await readFile(join(home.folder, 'count'), 'utf8').catch(() => '')).length / 2;
const command = (text = counting()): GatherStep => ({ kind: 'command', command: text });

const sweep = (step: GatherStep, { allowed = true, ...options }: Run & { allowed?: boolean } = {}) =>
  home.sweep({ gather: { step, allowed }, ...options });

const logText = () => readFile(join(out, 'gather.log'), 'utf8');
const status = async () => JSON.parse(await readFile(join(out, 'status.json'), 'utf8')) as SweepStatus;
const manifest = async () => JSON.parse(await readFile(join(out, 'sweep.json'), 'utf8')) as object;

describe('a gather command', () => {
  test('is run when all points have ended, on their table; status and summary say so', async () => {
    const events: SweepEvent[] = [];
    const { summary } = await sweep(command(), { onEvent: (event) => events.push(event) });
    const gathered = { state: 'done', status: 0 };
    expect(summary.gathered).toEqual({ ...gathered, log: join(out, 'gather.log') });
    expect(summary).not.toHaveProperty('notGathered');
    expect(await logText()).toBe('gva_point,gva_state\n0,done\n1,done\n2,done\n3,done\n');
    expect(events.at(-1)).toEqual({ event: 'gathering', by: counting() });
    expect(await status()).toMatchObject({
      state: 'finished',
      gathered: { ...gathered, log: 'gather.log' },
    });
    expect((await readStatus(out))?.status.gathered?.state).toBe('done');
    expect(await manifest()).toMatchObject({ gather: { command: counting() } });
  });

  test('is not run again while nothing has changed, and that is said', async () => {
    await sweep(command());
    const { summary } = await sweep(command());
    expect(summary.gathered).toMatchObject({ state: 'done', earlier: true });
    expect((await status()).gathered).toMatchObject({ state: 'done', earlier: true });
    expect(await times()).toBe(1);
  });

  test('is run again when a point was, when it is another one, and when its record is gone', async () => {
    await sweep(command());
    await rm(pointFolder(out, 2), { recursive: true });
    expect((await sweep(command())).ran).toEqual([2]);
    expect(await times()).toBe(2);
    await sweep(command(`${counting()};`));
    expect(await times()).toBe(3);
    await writeFile(join(out, 'gather.json'), '{');
    await sweep(command(`${counting()};`));
    expect(await times()).toBe(4);
  });

  test('that fails is told, and not run again either', async () => {
    const failing = command(`${counting()} | tail -n 1; exit 3`);
    const expected = { state: 'failed', status: 3, message: 'the command ended with status 3' };
    expect((await sweep(failing)).summary.gathered).toMatchObject(expected);
    expect((await sweep(failing)).summary.gathered).toMatchObject({ ...expected, earlier: true });
    expect(await times()).toBe(1);
    expect(await logText()).toBe('3,done\n');
  });

  test('without consent is not run, and the summary says why', async () => {
    const { summary } = await sweep(command(), { allowed: false });
    expect(summary).not.toHaveProperty('gathered');
    expect(summary.notGathered).toBe(`a command of a plan is run with --gather only: ${counting()}`);
    expect(await times()).toBe(0);
    await sweep(command());
    // What was gathered with consent counts for a run without it.
    expect((await sweep(command(), { allowed: false })).summary.gathered).toMatchObject({ earlier: true });
    expect(await times()).toBe(1);
  });

  test('is run where points have failed or are lost, not where some have not ended', async () => {
    const script = `${readN}${started}[ $n = 2 ] && exit 9\n${endedWith('$((n == 3 ? 7 : 0))')}`;
    const stopped = await sweep(command(), {
      driver: new CountingDriver({ script }),
      jobs: 1,
      stop: { maxFailures: { count: 1 } },
    });
    expect(stopped.summary.stopped).toBeDefined();
    expect(stopped.summary.notGathered).toBe('not all points have ended');
    expect(await times()).toBe(0);
    const { summary } = await sweep(command(), { driver: new CountingDriver({ script }) });
    expect(summary).toMatchObject({ counts: { done: 2, failed: 1, lost: 1 }, gathered: { state: 'done' } });
    expect(await logText()).toContain('1,lost\n2,failed\n');
  });

  test('that cannot be started at all is lost, and run the next time', async () => {
    await sweep(command());
    await rm(join(out, 'gather.log'));
    await mkdir(join(out, 'gather.log'));
    await rm(pointFolder(out, 2), { recursive: true });
    const { summary } = await sweep(command());
    expect(summary.gathered).toMatchObject({ state: 'lost', status: null });
    expect(summary.gathered?.message).toMatch(/^GATHER_FAILED: the gather command cannot be run: /);
    await rm(join(out, 'gather.log'), { recursive: true });
    expect((await sweep(command())).summary.gathered).not.toHaveProperty('earlier');
    expect(await times()).toBe(2);
  });

  test('is removed with its sweep, with all that it has left under names of ours', async () => {
    await sweep(command());
    await mkdir(join(out, 'gather'));
    await mkdir(join(out, '.gather.0123456789ab.tmp'));
    expect(await removeSweep(out, new AbortController().signal)).toEqual([]);
    expect(existsSync(out)).toBe(false);
  });
});

describe('an end before the end', () => {
  /** Runs until the file `go` is there. */
  const waiting = () => command(`echo x >>'${home.folder}/count'; until [ -e ../go ]; do sleep 0.01; done`);
  const begun = () => vi.waitFor(async () => expect(await times()).toBe(1), { timeout: 30_000 });

  test('of the sweep: nothing is gathered after Ctrl-C', async () => {
    const finish = new AbortController();
    const onEvent = ({ event }: SweepEvent) => event === 'point-ended' && finish.abort();
    const plan = await home.plan('  n: 1\n');
    const { summary } = await sweep(command(), { plan, finish: finish.signal, onEvent });
    expect(summary).toMatchObject({ interrupted: true, notGathered: 'interrupted', counts: { done: 1 } });
    expect(await times()).toBe(0);
    expect((await status()).state).toBe('stopped');
    expect((await sweep(command(), { plan })).summary.gathered).toMatchObject({ state: 'done' });
  });

  test('of the step by the second Ctrl-C; the next run does it again', async () => {
    const [finish, abort] = [new AbortController(), new AbortController()];
    const running = sweep(waiting(), { finish: finish.signal, signal: abort.signal });
    await begun();
    finish.abort();
    abort.abort();
    const { summary } = await running;
    expect(summary).toMatchObject({ interrupted: true, counts: { done: 4 } });
    expect(summary).not.toHaveProperty('gathered');
    expect((await status()).state).toBe('stopped');
    await writeFile(join(home.folder, 'go'), '');
    expect((await sweep(waiting())).summary.gathered).toEqual({
      ...{ state: 'done', status: 0, log: join(out, 'gather.log') },
    });
  });

  test('does not come by the first Ctrl-C', async () => {
    const finish = new AbortController();
    const running = sweep(waiting(), { finish: finish.signal });
    await begun();
    expect(await status()).toMatchObject({ state: 'running' });
    finish.abort();
    await writeFile(join(home.folder, 'go'), '');
    expect((await running).summary).toMatchObject({ interrupted: false, gathered: { state: 'done' } });
  });

  test('comes by cancelling the sweep', async () => {
    const running = sweep(waiting());
    await begun();
    await vi.waitFor(async () => expect(await status()).toMatchObject({ reason: 'gathering' }), {
      timeout: 30_000,
    });
    await putRequest(out, { request: 'cancel', points: 'all' });
    const { summary } = await running;
    expect(summary).toMatchObject({ interrupted: false, stopped: 'it was cancelled' });
    expect(summary.notGathered).toBe('the gather step was ended before its end');
    expect((await status()).state).toBe('stopped');
  });

  test('comes by asking for a point again, and all is gathered once more', async () => {
    const bad = join(home.folder, 'bad');
    await writeFile(bad, '');
    const script = `${readN}${started}s=0; [ $n = 3 ] && [ -e '${bad}' ] && s=7\n${endedWith('$s')}`;
    const driver = new CountingDriver({ script });
    const running = sweep(waiting(), { driver });
    await begun();
    await rm(bad);
    await putRequest(out, { request: 'retry', points: 'failed' });
    await vi.waitFor(async () => expect(await times()).toBe(2), { timeout: 30_000 });
    await writeFile(join(home.folder, 'go'), '');
    const { summary } = await running;
    expect(driver.ids).toHaveLength(5);
    expect(summary).toMatchObject({ counts: { done: 4, failed: 0 }, gathered: { state: 'done' } });
  });
});

describe('an appliance that gathers', () => {
  const squares = `${readN}${started}${leaving(
    'echo "area=$((n * n))" >result.txt; mkdir -p .gva; chmod 0 result.txt',
  )}${endedWith('$((n == 3 ? 7 : 0))')}`;
  const seen = () => join(home.folder, 'seen.img');

  /** Keeps its data disk, and says something. */
  async function gatherer(end = endedWith('0')): Promise<GatherStep> {
    const folder = join(home.folder, 'sum');
    await mkdir(join(folder, 'app'), { recursive: true });
    await writeFile(
      join(folder, 'gva.yaml'),
      'name: sum\nrun: echo sum\nparameters: { n: { type: int, default: 3 } }\noutput: { size: 1M }\n',
    );
    const prepared = await prepareAppliance(await loadAppliance(folder), fakeBase(), { expectsData: true });
    const said = leaving(
      'echo 30 >sum; mkdir .gva; cd .gva; echo out >50-autorun.stdout; echo err >50-autorun.stderr',
    );
    const vmm = fakeVmm(`${started}cp "$GVA_FAKE_DATA" '${seen()}'\n${said}${end}`);
    const limits = { boot: 600, total: undefined, powerOff: 600 };
    return { kind: 'appliance', place: folder, prepared, vmm, limits, keepDisks: false };
  }

  test.each(['files', 'archive', 'image'] as const)(
    'gets all outputs as its data disk, where they are kept as %s',
    async (keep) => {
      const { summary } = await sweep(await gatherer(), {
        keep,
        driver: new CountingDriver({ script: squares }),
      });
      expect(summary.gathered).toEqual({ state: 'done', status: 0, log: join(out, 'gather.log') });
      expect(await logText()).toBe('out\nerr\n');
      expect(await readFile(join(out, 'gather/output/sum'), 'utf8')).toBe('30\n');
      expect((await readdir(join(out, 'gather'))).sort()).toEqual([
        ...['console.log', 'events.jsonl', 'output', 'result.json'],
      ]);
      expect(await manifest()).toMatchObject({ gather: { appliance: join(home.folder, 'sum') } });
      const data = join(home.folder, 'seen');
      await collectOutput(seen(), data);
      expect((await readdir(data)).sort()).toEqual(['points', 'results.csv']);
      const table = await readFile(join(out, 'results.csv'), 'utf8');
      expect(await readFile(join(data, 'results.csv'), 'utf8')).toBe(table);
      for (const index of [0, 1, 2, 3]) {
        const file = join(pointFolder(data, index), 'result.txt');
        expect(await readFile(file, 'utf8')).toBe(`area=${(index + 1) ** 2}\n`);
        // Its owner might not read it: only root could make a disk of it then.
        expect((await stat(file)).mode & 0o777).toBe(0o400);
      }
      // Nothing of the way there is left.
      expect(await readdir(home.scratch)).toEqual([]);
      expect((await readdir(out)).filter((name) => name.startsWith('.'))).toEqual([]);
    },
  );

  test('is told to its guest as one with a data disk', async () => {
    const step = await gatherer();
    if (step.kind !== 'appliance' || step.prepared.machine.kind !== 'contract') throw new Error('it is one');
    const app = join(home.folder, 'app');
    await copyFile(step.prepared.machine.app.file, `${app}.img`);
    await collectOutput(`${app}.img`, app);
    expect(await readFile(join(app, '.gva/gvad.conf'), 'utf8')).toContain('media=data output cdrom\n');
  });

  test('is not run again while nothing has changed, and its results are replaced when it is', async () => {
    await sweep(await gatherer());
    expect((await sweep(await gatherer())).summary.gathered).toMatchObject({ earlier: true });
    await writeFile(join(out, 'gather/output/old'), '');
    await rm(pointFolder(out, 2), { recursive: true });
    expect((await sweep(await gatherer())).summary.gathered).not.toHaveProperty('earlier');
    expect(existsSync(join(out, 'gather/output/old'))).toBe(false);
  });

  test('that fails is told with its status; one that is lost is run again', async () => {
    expect((await sweep(await gatherer(endedWith('4')))).summary.gathered).toMatchObject({
      ...{ state: 'failed', status: 4, message: 'script 50-autorun ended with status 4' },
    });
    await rm(pointFolder(out, 2), { recursive: true });
    const lost = await gatherer('exit 9\n');
    expect((await sweep(lost)).summary.gathered).toMatchObject({ state: 'lost', status: null });
    expect((await sweep(lost)).summary.gathered).not.toHaveProperty('earlier');
    expect((await sweep(await gatherer())).summary.gathered).toMatchObject({ state: 'done' });
  });

  test('is ended by the second Ctrl-C', async () => {
    const abort = new AbortController();
    const running = sweep(await gatherer('sleep 600\n'), { signal: abort.signal, finish: abort.signal });
    await vi.waitFor(() => expect(existsSync(seen())).toBe(true), { timeout: 30_000 });
    abort.abort();
    expect((await running).summary).toMatchObject({ interrupted: true, counts: { done: 4 } });
    expect(existsSync(join(out, 'gather'))).toBe(false);
    expect(await readdir(home.scratch)).toEqual([]);
  });

  test("does not replace a folder that is the user's", async () => {
    await sweep(command(`mkdir -p gather; echo mine >gather/notes`));
    const { summary } = await sweep(await gatherer());
    expect(summary.gathered).toMatchObject({ state: 'lost' });
    expect(summary.gathered?.message).toMatch(/^OUT_EXISTS: /);
    expect(await readdir(join(out, 'gather'))).toEqual(['notes']);
  });
});
