import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder } from '../../src/system/folder-lock.js';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'gva-unit-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

test('has one owner at a time and leaves nothing behind', async () => {
  const first = await lockFolder(folder, '.lock-');
  expect(first.lock).toBeDefined();
  expect(await lockFolder(folder, '.lock-')).toMatchObject({
    holder: { state: 'alive', process: { pid: process.pid } },
  });
  await first.lock?.[Symbol.asyncDispose]();
  const second = await lockFolder(folder, '.lock-');
  await second.lock?.[Symbol.asyncDispose]();
  expect(await readdir(folder)).toEqual([]);
});

test('is never given to two of many that come at the same moment', async () => {
  for (let round = 0; round < 10; round++) {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => lockFolder(folder, '.lock-')));
    const owners = outcomes.flatMap(({ lock }) => (lock ? [lock] : []));
    expect(owners.length).toBeLessThanOrEqual(1);
    for (const owner of owners) await owner[Symbol.asyncDispose]();
    expect(await readdir(folder)).toEqual([]);
  }
});

test('what names no process is taken for a lock that cannot be judged', async () => {
  await writeFile(join(folder, '.lock-x'), 'rubbish');
  expect(await lockFolder(folder, '.lock-')).toEqual({
    holder: { file: join(folder, '.lock-x'), process: undefined, state: 'unknown' },
  });
  expect(await readdir(folder)).toEqual(['.lock-x']);
});
