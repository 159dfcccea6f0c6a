import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { madeManifest } from '../../bench/made-sweep.js';
import { addServeCommand } from '../../src/cli/serve/command.js';
import { FolderSource } from '../../src/cli/serve/folder-source.js';
import { ControlServer } from '../../src/instance/control/server.js';
import { codeOf } from '../../src/report/live/states.js';
import { takeRequests } from '../../src/sweep/requests.js';
import { pointFolder } from '../../src/system/paths.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
import { eventually } from '../support/gva.js';
import { linesOf, lockOf, runningStatus, writeSweep } from '../sweep/observe-fixture.js';

let home: TestHome;
let folder: string;
beforeEach(async () => {
  home = await makeTestHome();
  folder = join(home.folder, 'squares');
});
afterEach(() => home[Symbol.asyncDispose]());

const never = new AbortController().signal;
const row = (point: number, state: string) => ({ gva_point: point, size: 16, gva_state: state });
const states = ['done', 'failed', 'running', 'lost', 'pending', 'staged'];

/** A sweep that this very process runs: points 2 and 4 at present, whatever its table says. */
async function running(over: object = {}): Promise<FolderSource> {
  const at = { attempt: 1, since: '2026-01-02T03:05:00.000Z', phase: 'running' };
  const status = {
    ...{ ...runningStatus, points: 6, host: hostname(), pid: process.pid },
    running: [2, 4].map((index) => ({ index, ...at })),
    ...over,
  };
  await writeSweep(folder, {
    ...{ 'sweep.json': madeManifest(6), 'status.json': status },
    'results.jsonl': linesOf(states.map((state, index) => row(index, state))),
    ...(await lockOf('alive')),
  });
  return new FolderSource(folder, 'squares');
}

const letters = (source: FolderSource) =>
  Array.from(source.states, (code) => ['pending', 'running', 'done', 'failed', 'lost', 'cancelled'][code]);

async function leaveResult(point: number, state: string): Promise<void> {
  await mkdir(pointFolder(folder, point), { recursive: true });
  await writeFile(join(pointFolder(folder, point), 'result.json'), JSON.stringify({ state }));
}

describe('a sweep as its folder tells of it', () => {
  test('has the states of its table, and of its status what runs', async () => {
    const source = await running();
    await source.look(never);
    expect(letters(source)).toEqual(['done', 'failed', 'running', 'lost', 'running', 'pending']);
    expect(source.status).toMatchObject({
      state: 'running',
      ended: false,
      takesRequests: true,
      runningCount: 2,
    });
    expect(source.tableVersion).toBe(1);
    const table = JSON.parse((await source.table())!.json) as object;
    expect(table).toMatchObject({ version: 1, rows: 6, failures: [{ count: 1 }, { count: 1 }] });
  });

  test('tells how a point has ended before its table does', async () => {
    const source = await running();
    await source.look(never);
    await leaveResult(4, 'done');
    await running({ running: [] });
    await leaveResult(2, 'no state');
    await source.look(never);
    expect(letters(source)).toEqual(['done', 'failed', 'pending', 'lost', 'done', 'pending']);
  });

  test('has as many points as its status says while there is no table', async () => {
    const status = { ...runningStatus, points: 9, running: [] };
    await writeSweep(folder, {
      'sweep.json': madeManifest(9),
      'status.json': status,
      ...(await lockOf('alive')),
    });
    const source = new FolderSource(folder, 'squares');
    await source.look(never);
    expect(letters(source)).toEqual(new Array(9).fill('pending'));
    expect([source.tableVersion, await source.table()]).toEqual([0, undefined]);
  });

  test('whose process is gone has stopped, and nothing runs', async () => {
    const source = await running();
    await writeSweep(folder, { 'sweep.json': madeManifest(6), ...(await lockOf('dead')) });
    await source.look(never);
    expect(source.status).toMatchObject({ state: 'stopped', ended: true, takesRequests: false, running: [] });
    expect(source.states[2]).toBe(codeOf('pending'));
  });

  test('shows words of guests without control characters, and not without end', async () => {
    const message = `\u001b[31mred\u0007\n${'x'.repeat(5000)}`;
    const source = await running({ failures: [{ index: 1, state: 'failed', message, attempts: 1 }] });
    await source.look(never);
    const [failure] = source.status.failures;
    expect(failure?.message).toMatch(/^red\ufffd x+$/);
    expect(failure?.message).toHaveLength(1000);
  });

  test('that cannot be read says so, and is looked at again', async () => {
    await writeSweep(folder, { 'sweep.json': 'nonsense' });
    const source = new FolderSource(folder, 'squares');
    const ending = new AbortController();
    let changes = 0;
    source.onChange(() => changes++);
    const following = source.follow(ending.signal);
    await eventually(() => changes > 0);
    expect(source.status).toMatchObject({ state: 'unknown', ended: false });
    expect(source.status.reason).toContain('sweep.json');
    await running();
    await eventually(() => source.status.state === 'running');
    ending.abort();
    await following;
  });
});

describe('the console', () => {
  test('of a point that runs is asked of its process', async () => {
    const source = await running();
    await source.look(never);
    expect((await source.console(2)).note).toContain('does not tell');
    await using server = (await ControlServer.listen())!;
    server.add(`percolation-${process.pid}-4`, {
      console: () => 'boot\r\n10 %\r20 %\r\n\u001b[2Jhello \u0000',
      describe: () => expect.fail(),
      checkpoint: () => expect.fail(),
      insert: () => expect.fail(),
      snapshot: () => expect.fail(),
      tellAgent: () => expect.fail(),
      exec: () => expect.fail(),
    });
    expect(await source.console(4)).toEqual({ text: 'boot\n20 %\nhello \ufffd', live: true });
  });

  test('of one that has ended is in its results, and its end is shown', async () => {
    const source = await running();
    await source.look(never);
    await leaveResult(0, 'done');
    await writeFile(join(pointFolder(folder, 0), 'console.log'), `${'a'.repeat(20_000)}\nend`);
    const { text, live } = await source.console(0);
    expect([text.length, text.endsWith('a\nend'), live]).toEqual([8192, true, false]);
    expect(await source.console(5)).toMatchObject({ text: '', note: 'There is no console of this point.' });
  });

  test('of a point on another host comes at its end', async () => {
    const source = await running({ host: 'elsewhere' });
    await source.look(never);
    expect(await source.console(2)).toMatchObject({
      text: '',
      live: true,
      note: expect.stringContaining('another host') as string,
    });
  });
});

describe('what is asked of a sweep', () => {
  test('is taken to the process that runs it', async () => {
    const source = await running();
    const taken: unknown[] = [];
    const asking = (async () => {
      await source.cancel([2, 4], never);
      await source.cancel('all', never);
      await source.retry('failed', never);
      return true;
    })();
    // One look after the other, as the process does that runs it.
    do taken.push(...(await takeRequests(folder)));
    while (!(await Promise.race([asking, sleep(20, false)])));
    expect(taken).toEqual([
      { request: 'cancel', points: [2, 4] },
      { request: 'cancel', points: 'all' },
      { request: 'retry', points: 'failed' },
    ]);
  });

  test('is refused where it does not run', async () => {
    const source = await running({ state: 'finished' });
    await writeSweep(folder, { 'sweep.json': madeManifest(6), ...(await lockOf('dead')) });
    await expect(source.cancel('all', never)).rejects.toMatchObject({ code: 'SWEEP_NOT_RUNNING' });
    await expect(source.retry('failed', never)).rejects.toMatchObject({ code: 'SWEEP_NOT_RUNNING' });
  });
});

describe('the command', () => {
  test.each([
    [['--port', '70000'], 'is no port'],
    [['--port', 'http'], '--port'],
    [['--view', 'everybody'], 'say anyone or nobody'],
    [['nosuch'], 'there is no sweep nosuch'],
  ])('refuses %j', async (words, message) => {
    let said = '';
    vi.spyOn(console, 'error').mockImplementation((line) => (said += `${String(line)}\n`));
    const before = process.exitCode;
    const program = new Command('gva').exitOverride();
    addServeCommand(program);
    await program.parseAsync(['serve', ...words], { from: 'user' });
    const code = process.exitCode;
    process.exitCode = before;
    vi.restoreAllMocks();
    expect(said).toContain(message);
    expect(code).toBe(2);
  });
});
