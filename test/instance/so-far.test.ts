import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { preparePendingFolder } from '../../src/instance/output-folder.js';
import { SoFar } from '../../src/instance/so-far.js';
import type { Snapshots } from '../../src/instance/snapshot.js';
import { eventually, temporaryFolder } from '../support/gva.js';

// Results of a running instance, again and again (docs/channels.md, "While it runs: results"); with guests in test/vm/so-far.test.ts.

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => void (folder = await temporaryFolder()));
afterEach(() => folder[Symbol.asyncDispose]());

const snapshots = (take: (out: string, replace: boolean) => Promise<unknown>) =>
  ({ take }) as unknown as Snapshots;

it('is brought again and again, whatever fails in between, which is told once', async () => {
  const taken: unknown[] = [];
  const told: string[] = [];
  const soFar = new SoFar(0.001, join(folder.path, 'out/'), {
    snapshots: snapshots((...how) => {
      taken.push(how);
      return taken.length % 2 === 0 ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
    }),
    onTrouble: (text) => told.push(text),
  });
  await eventually(() => taken.length >= 5);
  await soFar.end();
  const { length } = taken;
  expect(taken[0]).toEqual([join(folder.path, 'out.so-far'), true]);
  expect(told).toEqual(['results so far could not be brought home: the disk is full']);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(taken).toHaveLength(length);
});

it('its end waits for what is under way, and what fails by that end is not told', async () => {
  let fail: (error: Error) => void = () => undefined;
  let begun = false;
  const told: string[] = [];
  const soFar = new SoFar(0.001, join(folder.path, 'out'), {
    snapshots: snapshots(() => {
      begun = true;
      return new Promise((_, reject) => (fail = reject));
    }),
    onTrouble: (text) => told.push(text),
  });
  await eventually(() => begun);
  let ended = false;
  const end = soFar.end().then(() => (ended = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toBe(false);
  fail(new Error('the machine has ended'));
  await end;
  expect(told).toEqual([]);
});

it('goes when the results are there; what is not of it stays', async () => {
  const soFar = new SoFar(1000, join(folder.path, 'out'), {
    snapshots: snapshots(() => Promise.resolve()),
    onTrouble: () => undefined,
  });
  await soFar.end();
  await soFar.remove();
  const place = join(folder.path, 'out.so-far');
  await mkdir(place);
  await writeFile(join(place, 'mine'), '');
  await soFar.remove();
  expect(await readdir(place)).toEqual(['mine']);
  await writeFile(join(place, 'snapshot.json'), '{}');
  await soFar.remove();
  expect(await readdir(folder.path)).toEqual([]);
});

it('one takes the place of the one before, as a whole, and of nothing else', async () => {
  const place = join(folder.path, 'out.so-far');
  for (const content of ['first', 'second']) {
    await using pending = await preparePendingFolder(place, true, false, 'snapshot.json');
    await writeFile(join(pending.folder, 'snapshot.json'), content);
    await pending.publish();
    expect(await readFile(join(place, 'snapshot.json'), 'utf8')).toBe(content);
  }
  const results = join(folder.path, 'results');
  await mkdir(results);
  await writeFile(join(results, 'result.json'), '{}');
  await expect(preparePendingFolder(results, true, false, 'snapshot.json')).rejects.toMatchObject({
    code: 'OUT_EXISTS',
  });
});
