import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'libsql';
import { beforeEach, describe, expect, test } from 'vitest';
import type { PointOutcome } from '../../../src/model/sweep.js';
import { GvaError } from '../../../src/system/errors.js';
import { SweepStore } from '../../../src/sweep/store/store.js';
import { temporaryFolder } from '../../support/gva.js';

const id = (letter: string) => letter.repeat(64);
const times = {
  ...{ staged: 0.1, booted: 0.2, ready: 0.3, scriptsStarted: 0.4 },
  ...{ scriptsEnded: 0.5, poweredOff: 0.6, collected: 0.7 },
};
const startedAt = '2026-01-02T03:04:05.678Z';
const done: PointOutcome = { state: 'done', status: 0, times, startedAt };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let file: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  file = join(folder.path, 'store.db');
  return () => folder[Symbol.asyncDispose]();
});

test('a point goes from pending to done, and all of it is there after opening again', () => {
  {
    using store = SweepStore.open(file, 10);
    expect(store.get(3)).toBeUndefined();
    expect(store.stage(3, id('a'))).toMatchObject({ state: 'staged', attempts: 1 });
    store.run(3);
    expect(store.counts).toEqual({ pending: 9, done: 0, failed: 0, lost: 0, active: 1 });
    store.end(3, done, { area: 4 });
    store.stage(5, id('b'));
    store.end(5, { state: 'lost', cause: 'panic', message: 'it\npanicked', status: null, times: null });
  }
  using store = SweepStore.open(file, 10);
  expect(store.get(3)).toEqual({
    ...{ number: 3, id: id('a'), state: 'done', attempts: 1, status: 0, times, startedAt },
    data: { area: 4 },
  });
  expect(store.get(5)).toEqual({
    ...{ number: 5, id: id('b'), state: 'lost', attempts: 1, status: null, times: null },
    ...{ cause: 'panic', message: 'it\npanicked' },
  });
  expect([...store.states('lost')]).toEqual([{ number: 5, state: 'lost' }]);
  expect([...store.works()]).toEqual([
    { number: 3, id: id('a'), state: 'done' },
    { number: 5, id: id('b'), state: 'lost' },
  ]);
  expect(store.counts).toEqual({ pending: 8, done: 1, failed: 0, lost: 1, active: 0 });
});

test('attempts are counted for the same work, and anew for other work', () => {
  using store = SweepStore.open(file, 1);
  store.stage(0, id('a'));
  expect(store.stage(0, id('a')).attempts).toBe(2);
  expect(store.stage(0, id('b')).attempts).toBe(1);
  store.forget(0);
  expect(store.counts.pending).toBe(1);
});

test('records may be changed while they are read', () => {
  using store = SweepStore.open(file, 3000);
  store.together(() => {
    for (let number = 0; number < 2500; number++) store.stage(number, id('c'));
  });
  for (const { number } of store.states('staged')) store.forget(number);
  expect(store.counts).toMatchObject({ pending: 3000, active: 0 });
});

test('ends and data of all points, and which are done, in the order of their numbers', () => {
  using store = SweepStore.open(file, 3000);
  store.together(() => {
    for (let number = 2499; number >= 0; number--) {
      store.stage(number, id('a'));
      if (number % 2 === 0) store.end(number, done, number % 4 === 0 ? { number } : undefined);
    }
  });
  const ends = [...store.ends()];
  expect(ends.map(({ number }) => number)).toEqual(Array.from({ length: 2500 }, (_, number) => number));
  expect(ends[8]).toEqual({
    ...{ number: 8, state: 'done', attempts: 1, status: 0, times, startedAt },
    data: { number: 8 },
  });
  expect(ends[9]).toEqual({ number: 9, state: 'staged', attempts: 1, status: null, times: null });
  const doneOnes = Array.from({ length: 1250 }, (_, index) => ({ number: 2 * index, state: 'done' }));
  expect([...store.states('done', 'lost')]).toEqual(doneOnes);
  expect([...store.data()].map((data) => data?.['number'])).toEqual(
    ends.map(({ number }) => (number % 4 === 0 ? number : undefined)),
  );
});

test('changes that belong together are made all or not at all', () => {
  using store = SweepStore.open(file, 3);
  expect(() =>
    store.together(() => {
      store.stage(0, id('a'));
      throw new Error('stop');
    }),
  ).toThrow('stop');
  expect(store.counts).toMatchObject({ pending: 3, active: 0 });
});

describe('a store that cannot be read is refused and kept', () => {
  const refused = (): GvaError => {
    try {
      SweepStore.open(file, 1)[Symbol.dispose]();
    } catch (error) {
      if (error instanceof GvaError) return error;
    }
    throw new Error('it was accepted');
  };

  test('no database', async () => {
    await writeFile(file, 'x'.repeat(10_000));
    expect(refused()).toMatchObject({ code: 'STORE_DAMAGED' });
    expect(await readFile(file, 'utf8')).toBe('x'.repeat(10_000));
  });

  test('a database of somebody else', () => {
    const other = new Database(file);
    other.exec('CREATE TABLE mine (x)');
    other.close();
    expect(refused().message).toContain('not a store of this version');
  });

  test('a damaged one', async () => {
    {
      using store = SweepStore.open(file, 3000);
      store.together(() => {
        for (let number = 0; number < 2500; number++) store.stage(number, id('d'));
      });
    }
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0x55, 8192, 40_000));
    expect(refused().code).toBe('STORE_DAMAGED');
  });

  test('one that somebody has open', async () => {
    using store = SweepStore.open(file, 1);
    store.stage(0, id('a'));
    const script = `import('libsql').then(({default: D}) => { const d = new D(${JSON.stringify(file)}); d.prepare('SELECT * FROM points').all(); })`;
    const failed = await new Promise<string>((resolve) => {
      execFile(process.execPath, ['-e', script], { cwd: process.cwd() }, (_, __, stderr) => resolve(stderr));
    });
    expect(failed).toContain('locked');
  });
});
