import Database from 'libsql';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { untilRoom } from '../../src/sweep/schedule/disk-room.js';
import { SweepStore } from '../../src/sweep/store/store.js';
import { whenRoom } from '../../src/sweep/store/when-room.js';
import { GvaError } from '../../src/system/errors.js';
import { SweepHome } from './sweep-home.js';

let home: SweepHome;
beforeEach(async () => {
  home = await SweepHome.make();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await home[Symbol.asyncDispose]();
});

const never = new AbortController().signal;
const full = () => new GvaError('ENOSPC', 'no room');

describe('a store whose disk is full', () => {
  const sqliteFull = () => Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });

  test('says so, and can be closed', () => {
    const store = SweepStore.open(join(home.folder, 'store.db'), 3);
    vi.spyOn(Database.prototype, 'exec').mockImplementation(() => {
      throw sqliteFull();
    });
    const statement = { run: vi.fn() };
    statement.run.mockImplementation(() => {
      throw sqliteFull();
    });
    vi.spyOn(Database.prototype, 'prepare').mockReturnValue(statement as never);
    expect(() => store.setFact('a', 'b')).toThrow(
      expect.objectContaining({
        code: 'ENOSPC',
        exitCode: 69,
        hint: expect.stringContaining('Make room') as unknown,
      }),
    );
    expect(() => store[Symbol.dispose]()).not.toThrow();
  });

  test('that the host refuses otherwise is told to people, and no bug', () => {
    const store = SweepStore.open(join(home.folder, 'store.db'), 3);
    const refused = () => {
      throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_WRITE' });
    };
    const told = expect.objectContaining({ code: 'STORE_IO', exitCode: 69 }) as unknown;
    vi.spyOn(Database.prototype, 'exec').mockImplementation(refused);
    vi.spyOn(Database.prototype, 'prepare').mockReturnValue({ run: refused, all: refused } as never);
    expect(() => store.setFact('a', 'b')).toThrow(told);
    expect(() => [...store.works()]).toThrow(told);
    expect(() => store[Symbol.dispose]()).not.toThrow();
  });

  test('that SQLite has rolled back by itself is told of by what went wrong', () => {
    const store = SweepStore.open(join(home.folder, 'store.db'), 3);
    const broken = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' });
    type Exec = (this: Database.Database, text: string) => unknown;
    const exec = Object.getOwnPropertyDescriptor(Database.prototype, 'exec')?.value as Exec;
    vi.spyOn(Database.prototype, 'exec').mockImplementation(function (this: Database.Database, text) {
      if (text !== 'COMMIT') return exec.call(this, text) as never;
      exec.call(this, 'ROLLBACK');
      throw broken;
    });
    const told = expect.objectContaining({ code: 'STORE_IO', cause: broken }) as unknown;
    expect(() => store.together(() => store.stage(1, 'id'))).toThrow(told);
    vi.restoreAllMocks();
    expect(store.counts).toMatchObject({ active: 0, pending: 3 });
    store[Symbol.dispose]();
  });

  test('is written to as soon as there is room', async () => {
    let left = 3;
    const onFull = vi.fn();
    const write = () => {
      if (--left > 0) throw full();
      return 'written';
    };
    expect(await whenRoom(write, onFull, never, 0)).toEqual({ value: 'written' });
    expect(onFull).toHaveBeenCalledTimes(2);
  });

  test('is given up where the sweep ends; what is a bug is thrown', async () => {
    const refuse = () => {
      throw full();
    };
    expect(await whenRoom(refuse, vi.fn(), AbortSignal.abort())).toBeUndefined();
    const bug = () => {
      throw new TypeError('bug');
    };
    await expect(whenRoom(bug, vi.fn(), never)).rejects.toThrow('bug');
  });

  test('keeps a sweep waiting, and ends it not', async () => {
    const stage = vi.spyOn(SweepStore.prototype, 'stage').mockImplementationOnce(() => {
      throw full();
    });
    const end = vi.spyOn(SweepStore.prototype, 'end').mockImplementationOnce(() => {
      throw full();
    });
    const { summary, ran } = await home.sweep({ plan: await home.plan('  n: 1\n') });
    expect(summary.counts).toMatchObject({ done: 1 });
    expect([stage.mock.calls.length, end.mock.calls.length, ran]).toEqual([2, 2, [0]]);
  });

  test('does not keep a sweep from ending', async () => {
    const finish = new AbortController();
    vi.spyOn(SweepStore.prototype, 'stage').mockImplementation(() => {
      finish.abort();
      throw full();
    });
    const { summary, ran } = await home.sweep({ finish: finish.signal });
    expect(summary).toMatchObject({ interrupted: true, counts: { pending: 4 } });
    expect(ran).toEqual([]);
  });
});

test('room is waited for until it is there, or nobody waits', async () => {
  expect(await untilRoom(home.folder, 1, never, 0)).toBe(true);
  expect(await untilRoom(home.folder, 1, AbortSignal.abort(), 0)).toBe(false);
  const controller = new AbortController();
  const waiting = untilRoom(home.folder, 2 ** 60, controller.signal, 0.01);
  controller.abort();
  expect(await waiting).toBe(false);
});
