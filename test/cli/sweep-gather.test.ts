import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodeOfSweep } from '../../src/cli/sweep/run.js';
import type { Gathered, SweepSummary } from '../../src/model/sweep.js';
import { readStatus } from '../../src/sweep/observe/status.js';
import { lockOf } from '../sweep/observe-fixture.js';
import { SweepHome } from '../sweep/sweep-home.js';
import { sweep } from './sweep-command-fixture.js';

let home: SweepHome;
let out: string;
beforeEach(async () => {
  home = await SweepHome.make();
  out = home.out;
});
afterEach(() => home[Symbol.asyncDispose]());

async function finished(command?: string): Promise<void> {
  const plan = await home.plan('  n: [1, 2]\n');
  const gather = { step: { kind: 'command', command: command ?? '' } as const, allowed: false };
  await home.sweep({ plan, ...(command === undefined ? {} : { gather }) });
}

const logText = () => readFile(join(out, 'gather.log'), 'utf8');

describe('gva sweep gather', () => {
  test('runs the command of the plan, which is shown, as often as it is asked to', async () => {
    await finished('wc -l <results.csv; echo x >>count');
    const { stdout, stderr, code } = await sweep(['gather', out]);
    expect({ stdout, code }).toEqual({ stdout: '', code: 0 });
    expect(stderr).toBe(
      `gathering: wc -l <results.csv; echo x >>count\ngathered: ${join(out, 'gather.log')}\n`,
    );
    expect(await logText()).toBe('3\n');
    expect((await readStatus(out))?.status).toMatchObject({
      state: 'finished',
      gathered: { state: 'done', status: 0, log: 'gather.log' },
    });
    await sweep(['gather', out]);
    expect(await readFile(join(out, 'count'), 'utf8')).toBe('x\nx\n');
    expect((await sweep(['status', out])).stdout).toMatch(/^gathered +done \(gather\.log\)$/m);
  });

  test('runs another command, and tells with the end of its log that it failed', async () => {
    await finished('true');
    const failing = 'seq 100; printf "\\033[31m" >&2; exit 3';
    const { stderr, code } = await sweep(['gather', out, '--command', failing]);
    expect(code).toBe(1);
    expect(stderr).toContain('gather step failed: the command ended with status 3\n');
    expect(stderr).toContain('\n99\n100\n');
    expect(stderr).not.toContain('\n80\n');
    expect(stderr).not.toContain('\u001b');
    expect((await sweep(['status', out])).stdout).toMatch(
      /^gathered +failed: the command ended with status 3/m,
    );
  });

  test('prints one JSON document', async () => {
    await finished();
    const { stdout, stderr } = await sweep(['gather', out, '--command', 'true', '--json']);
    const gathered = { state: 'done', status: 0, log: join(out, 'gather.log') };
    expect([JSON.parse(stdout), stderr]).toEqual([{ folder: out, gathered }, '']);
  });

  test.each([
    [[], 'has no gather step'],
    [['--command', 'true', '--appliance', 'x'], 'either --command or --appliance'],
    [['--command', ' '], '--command is empty'],
    [['--appliance', '/nonexistent'], 'there is no appliance folder /nonexistent'],
  ])('with %j is wrong usage, and leaves everything alone', async (args, message) => {
    await finished();
    const { stderr, code } = await sweep(['gather', out, ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect((await readStatus(out))?.status).not.toHaveProperty('gathered');
  });

  test('refuses an appliance with a data disk, or with parameters that nobody gives', async () => {
    await finished();
    const data = join(home.folder, 'square/data');
    const open = await sweep(['gather', out, '--appliance', join(home.folder, 'square')]);
    expect(open.stderr).toContain('square has parameters without a default: n');
    await mkdir(data);
    const own = await sweep(['gather', out, '--appliance', join(home.folder, 'square')]);
    expect([open.code, own.code]).toEqual([2, 2]);
    expect(own.stderr).toContain('square has a data disk of its own');
  });

  test('waits for no sweep that runs, and needs a table', async () => {
    await finished('true');
    const [[name, owner]] = Object.entries(await lockOf('alive')) as [[string, object]];
    await writeFile(join(out, name), JSON.stringify(owner));
    const running = await sweep(['gather', out]);
    expect([running.code, running.stderr]).toEqual([2, expect.stringContaining('is being run')]);
    await rm(join(out, name));
    await rm(join(out, 'results.csv'));
    const without = await sweep(['gather', out]);
    expect([without.code, without.stderr]).toEqual([69, expect.stringContaining('no table of results')]);
  });
});

test('--gather for a plan without a gather step is wrong usage, and nothing is begun', async () => {
  await home.plan('  n: [1, 2]\n');
  const { code, stderr } = await sweep(['run', join(home.folder, 'plan.yaml'), '-o', out, '--gather']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('has no gather step')]);
  expect(await readStatus(out)).toBeUndefined();
});

test('the exit code of a sweep has that of its gather step in it', () => {
  const summary = (state: Gathered['state'] | undefined, lost = 0, interrupted = false): SweepSummary => ({
    ...{ folder: '', results: '', points: 1, kept: 0, seconds: 1, interrupted },
    counts: { pending: 0, done: 1 - lost, failed: 0, lost },
    ...(state ? { gathered: { state, status: null, log: '' } } : {}),
  });
  expect(exitCodeOfSweep(summary(undefined))).toBe(0);
  expect(exitCodeOfSweep(summary('done'))).toBe(0);
  expect(exitCodeOfSweep(summary('failed'))).toBe(1);
  expect(exitCodeOfSweep(summary('lost'))).toBe(69);
  expect(exitCodeOfSweep(summary('failed', 1))).toBe(69);
  expect(exitCodeOfSweep(summary('failed', 0, true))).toBe(130);
});
