import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SweepManifest } from '../../src/model/sweep.js';
import { processIdentity } from '../../src/system/process-identity.js';
import { doneScript } from '../../src/vmm/fake/driver.js';
import { CountingDriver } from '../support/counting-driver.js';
import { squareManifest, writeAppliance } from '../support/fake-appliance.js';
import { type Run, SweepHome } from './sweep-home.js';

let home: SweepHome;
let out: string;
beforeEach(async () => {
  home = await SweepHome.make();
  out = home.out;
});
afterEach(() => home[Symbol.asyncDispose]());

const sweep = (options?: Run) => home.sweep(options);
const manifest = async () => JSON.parse(await readFile(join(out, 'sweep.json'), 'utf8')) as SweepManifest;

describe('a folder that is', () => {
  test("not empty and no sweep's is refused and left alone", async () => {
    await mkdir(out);
    await writeFile(join(out, 'thesis.tex'), '');
    await expect(sweep()).rejects.toMatchObject({ code: 'OUT_EXISTS', exitCode: 2 });
    expect(await readdir(out)).toEqual(['thesis.tex']);
  });

  test.each(['', 'no JSON', '{"format": "gva-sweep/9"}'])(
    "a sweep's that cannot be read (%j)",
    async (text) => {
      await mkdir(out);
      await writeFile(join(out, 'sweep.json'), text);
      await expect(sweep()).rejects.toMatchObject({ code: 'SWEEP_UNREADABLE' });
      expect(await readdir(out)).toEqual(['sweep.json']);
      expect(await readFile(join(out, 'sweep.json'), 'utf8')).toBe(text);
    },
  );

  test('of another appliance is refused', async () => {
    await sweep();
    await writeAppliance(home.folder, squareManifest.replace('square', 'cube'));
    await expect(sweep()).rejects.toMatchObject({ code: 'SWEEP_OTHER' });
    expect((await manifest()).appliance.name).toBe('square');
  });

  test('a file, or under one', async () => {
    await writeFile(out, '');
    await expect(sweep()).rejects.toMatchObject({ code: 'OUT_UNUSABLE' });
    await expect(sweep({ out: join(out, 'sub') })).rejects.toMatchObject({ code: 'OUT_UNUSABLE' });
  });
});

describe('two processes on one folder', () => {
  let other: ChildProcess;
  let lock: string;
  beforeEach(async () => {
    other = spawn('sleep', ['600']);
    await once(other, 'spawn');
    await mkdir(out);
    lock = join(out, '.lock-0123456789ab');
    await writeFile(lock, JSON.stringify(await processIdentity(other.pid!)));
  });
  afterEach(() => other.kill('SIGKILL'));

  test('the second is refused while the first lives, and goes on after a kill -9', async () => {
    await expect(sweep()).rejects.toMatchObject({
      code: 'SWEEP_IN_USE',
      message: `the sweep in ${out} is being run by process ${other.pid}`,
    });
    expect(await readdir(out)).toEqual(['.lock-0123456789ab']);
    other.kill('SIGKILL');
    await once(other, 'exit');
    await sweep();
    expect((await readdir(out)).sort()).toEqual([
      'points',
      'results.csv',
      'results.jsonl',
      'status.json',
      'store.db',
      'sweep.json',
    ]);
  });

  test('a process number that somebody else has by now locks nothing', async () => {
    await writeFile(lock, JSON.stringify({ ...(await processIdentity(other.pid!)), start: '1' }));
    expect((await sweep()).summary.counts.done).toBe(4);
  });

  test('a process of this machine before its restart locks nothing, one elsewhere does', async () => {
    const here = (await processIdentity(other.pid!))!;
    await writeFile(lock, JSON.stringify({ ...here, machine: 'm other', realm: 'boot pid:[1]' }));
    await expect(sweep()).rejects.toMatchObject({
      code: 'SWEEP_IN_USE',
      hint: expect.stringContaining(`remove ${lock}`) as unknown,
    });
    // Where a machine has no id, its own past cannot be told from another machine.
    if (here.machine === '') return;
    await writeFile(lock, JSON.stringify({ ...here, realm: 'boot pid:[1]' }));
    expect((await sweep()).summary.counts.done).toBe(4);
  });

  test('of one elsewhere that is silent for long, the folder is taken on request only', async () => {
    const here = (await processIdentity(other.pid!))!;
    const text = JSON.stringify({ ...here, machine: 'm other', realm: 'boot pid:[1]' });
    await writeFile(lock, text);
    await expect(sweep({ takeOver: true })).rejects.toMatchObject({
      code: 'SWEEP_IN_USE',
      hint: expect.stringContaining('It was heard of') as unknown,
    });
    const longAgo = new Date(Date.now() - 600_000);
    await utimes(lock, longAgo, longAgo);
    await expect(sweep()).rejects.toMatchObject({
      hint: expect.stringContaining('--take-over') as unknown,
    });
    expect((await sweep({ takeOver: true })).summary.counts.done).toBe(4);
  });

  test('of one elsewhere that still speaks, nothing is taken, though the clock of the file system has jumped', async () => {
    const here = (await processIdentity(other.pid!))!;
    await writeFile(lock, JSON.stringify({ ...here, machine: 'm other', realm: 'boot pid:[1]' }));
    const speak = (jump: number) => {
      const time = new Date(Date.now() + jump);
      return utimes(lock, time, time);
    };
    for (const jump of [-600_000, 600_000]) {
      await speak(jump);
      const speaking = setInterval(() => void speak(jump).catch(() => undefined), 300);
      await expect(sweep({ takeOver: true })).rejects.toMatchObject({ code: 'SWEEP_IN_USE' });
      clearInterval(speaking);
    }
    // It is silent now, for all that one can see.
    await speak(600_000);
    expect((await sweep({ takeOver: true })).summary.counts.done).toBe(4);
  });

  test('in one process too', async () => {
    other.kill('SIGKILL');
    await once(other, 'exit');
    const go = join(home.folder, 'go');
    const driver = new CountingDriver({ script: `until [ -e '${go}' ]; do sleep 0.01; done\n${doneScript}` });
    const first = sweep({ driver });
    await vi.waitFor(() => expect(driver.running).toBe(2), { timeout: 30_000 });
    await expect(sweep()).rejects.toMatchObject({ code: 'SWEEP_IN_USE' });
    await writeFile(go, '');
    expect((await first).summary.counts.done).toBe(4);
  });
});
