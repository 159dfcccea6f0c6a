import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SweepEvent } from '../../src/model/sweep.js';
import { SweepHome } from './sweep-home.js';

let home: SweepHome;
beforeEach(async () => {
  home = await SweepHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

test('a name in --stop-when that no point knows is told, soon and at the end', async () => {
  const notes: [number, string][] = [];
  let ended = 0;
  const onEvent = (event: SweepEvent) => {
    if (event.event === 'point-ended') ended++;
    if (event.event === 'note') notes.push([ended, event.code]);
  };
  const plan = await home.plan('  n: { range: [1, 12] }\n');
  await home.sweep({ plan, onEvent, stop: { when: 'eror < 0' } });
  expect(notes).toEqual([
    [10, 'STOP_WHEN_UNSEEN'],
    [12, 'STOP_WHEN_UNSEEN'],
  ]);
});

describe('files of points', () => {
  async function planOf(count: number, rest = '') {
    await mkdir(join(home.folder, 'in'));
    for (let index = 0; index < count; index++) await writeFile(join(home.folder, `in/${index}`), '');
    return () => home.plan(`  n: { range: [1, ${count + 3}] }\n`, `files: ["in/{index}"]\n${rest}`);
  }

  test('that are missing among the later points are told while the first ones run', async () => {
    const plan = await planOf(1000);
    const told: string[] = [];
    const finish = new AbortController();
    const onEvent = (event: SweepEvent) => {
      if (event.event !== 'note') return;
      told.push(event.code, ...event.message.replaceAll(home.folder, 'HOME').split('\n'));
      finish.abort();
    };
    const { summary } = await home.sweep({ plan: await plan(), onEvent, finish: finish.signal });
    expect(told).toEqual([
      'FILES_MISSING',
      'the files of 3 points are missing; these will fail:',
      '  point 1000: HOME/in/1000: there is no such file',
      '  point 1001: HOME/in/1001: there is no such file',
      '  point 1002: HOME/in/1002: there is no such file',
    ]);
    expect(summary.counts.pending).toBeGreaterThan(0);
  });

  test('that go before their points come let these alone fail, and once', async () => {
    const files = await planOf(8);
    const plan = await files().catch((error: unknown) => String(error));
    expect(plan).toContain('the files of 3 points are missing');
    for (const index of [8, 9, 10]) await writeFile(join(home.folder, `in/${index}`), '');
    const whole = await files();
    for (const index of [2, 3, 4, 5, 6]) await rm(join(home.folder, `in/${index}`));
    const retry = { attempts: 3, retryFailed: 3, retryTimeouts: true };
    const { summary, ran } = await home.sweep({ plan: whole, retry });
    expect(summary.counts).toEqual({ pending: 0, done: 6, failed: 5, lost: 0 });
    expect(ran).toEqual([0, 1, 7, 8, 9, 10]);
    const [, row = ''] = (await home.rows()).slice(2);
    expect(row).toMatch(/^2,3,fast,failed,.*INPUT_FILE: cannot read the file .*in\/2: ENOENT/);
    expect(row.split(',').slice(-2)).toEqual(['1', '']);
    for (const index of [2, 3, 4, 5, 6]) await writeFile(join(home.folder, `in/${index}`), '');
    expect((await home.sweep({ plan: whole })).ran).toEqual([2, 3, 4, 5, 6]);
  });
});
