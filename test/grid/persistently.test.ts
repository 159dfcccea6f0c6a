import { describe, expect, test } from 'vitest';
import { persistently } from '../../src/grid/worker/persistently.js';
import { TimeLeft } from '../../src/grid/worker/time-left.js';

/** As Node.js says it: it has no names for some. */
const nameless: Readonly<Record<string, string>> = {
  ESTALE: 'Unknown system error -116',
  EDQUOT: 'Unknown system error -122',
  ENOLCK: 'Unknown system error -37',
};
const failure = (name: string) => {
  const code = nameless[name] ?? name;
  return Object.assign(new Error(`${code}: oh`), { code });
};

/** Work that fails so many times. */
function failing(times: number, code: string) {
  let calls = 0;
  const work = () => (++calls <= times ? Promise.reject(failure(code)) : Promise.resolve('done'));
  return { work, calls: () => calls };
}

describe('what a shared file system refuses', () => {
  const never = new AbortController().signal;

  test.each(['EIO', 'ESTALE', 'EDQUOT', 'ENOLCK', 'ENOSPC'])(
    'for a moment (%s) is tried again, and said',
    async (code) => {
      const said: string[] = [];
      const { work, calls } = failing(2, code);
      const log = (message: string) => said.push(message);
      expect(await persistently('save', work, { seconds: 600, signal: never, log })).toBe('done');
      expect(calls()).toBe(3);
      expect(said).toEqual([
        `cannot save: ${code}: oh; again in 0.20 s`,
        `cannot save: ${code}: oh; again in 0.40 s`,
      ]);
    },
  );

  test('is told when patience is over', async () => {
    const { work, calls } = failing(Infinity, 'EIO');
    const patience = { seconds: 0.3, signal: never, log: () => undefined };
    await expect(persistently('save', work, patience)).rejects.toThrow('EIO: oh');
    expect(calls()).toBeGreaterThanOrEqual(2);
  });

  test('is told at once where waiting does not help, or there is no time to wait', async () => {
    const none = failing(1, 'EACCES');
    const patience = { seconds: 600, signal: never, log: () => undefined };
    await expect(persistently('save', none.work, patience)).rejects.toThrow('EACCES');
    const ending = new AbortController();
    const late = failing(Infinity, 'EIO');
    const log = () => ending.abort();
    await expect(
      persistently('save', late.work, { seconds: 600, signal: ending.signal, log }),
    ).rejects.toThrow('EIO');
    expect(late.calls()).toBe(2);
  });
});

test('one more point is begun where there is time for the longest so far and a twentieth', () => {
  let now = 0;
  const left = new TimeLeft(100, () => now);
  now = 99;
  expect(left.isEnough).toBe(true);
  left.note(10);
  left.note(5);
  now = 85;
  expect(left.isEnough).toBe(true);
  now = 86;
  expect(left.isEnough).toBe(false);
  const long = new TimeLeft(100_000, () => now);
  long.note(10);
  now = 100_000 - 70;
  expect(long.isEnough).toBe(true);
  now += 1;
  expect(long.isEnough).toBe(false);
  const forever = new TimeLeft(undefined, () => 1e9);
  forever.note(1e9);
  expect(forever.isEnough).toBe(true);
});
