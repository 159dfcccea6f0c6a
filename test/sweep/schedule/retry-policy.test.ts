import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  RetryPolicy,
  type Tally,
  defaultRetryLimits,
  noTally,
} from '../../../src/sweep/schedule/retry-policy.js';

const lost = (cause: string) => ({ state: 'lost', cause }) as const;
const failed = (cause: string) => ({ state: 'failed', cause }) as const;
const limits = (changes: Partial<typeof defaultRetryLimits>) => ({ ...defaultRetryLimits, ...changes });
/** Always half of the longest delay. */
const half = (changes: Partial<typeof defaultRetryLimits> = {}) =>
  new RetryPolicy(limits(changes), () => 0.5);

describe('after an attempt', () => {
  test.each([
    'panic',
    'boot-timeout',
    'no-done',
    'vmm-failed',
    'output-unreadable',
    'EAGAIN: no more processes',
  ])('a point lost by "%s" is run again, then set aside', (cause) => {
    const policy = half();
    const first = policy.after(lost(cause));
    expect(first).toEqual({ next: 'again', delay: 0.5, tally: { lost: 1, failed: 0 } });
    const second = policy.after(lost(cause), { lost: 1, failed: 0 });
    expect(second).toEqual({ next: 'again', delay: 1, tally: { lost: 2, failed: 0 } });
    expect(policy.after(lost(cause), { lost: 2, failed: 0 })).toEqual({
      next: 'set-aside',
      reason: `it was lost 3 times, the last time by ${cause}`,
    });
  });

  test('with one attempt, a lost point is set aside at once', () => {
    const decision = half({ attempts: 1 }).after(lost('panic'));
    expect(decision).toEqual({ next: 'set-aside', reason: 'it was lost once, the last time by panic' });
  });

  test('a time-out is final, unless it counts as any loss', () => {
    expect(half().after(lost('timeout'))).toEqual({ next: 'final' });
    expect(half({ retryTimeouts: true }).after(lost('timeout'))).toMatchObject({ next: 'again' });
  });

  test.each(['ENOSPC: no space left', 'EDQUOT: quota', 'disk-error'])(
    'a full disk (%s) does not count, unless it is always full',
    (cause) => {
      const policy = half({ attempts: 1 });
      let tally: Tally = noTally;
      for (let time = 1; time <= 10; time++) {
        const decision = policy.after(lost(cause), tally);
        expect(decision).toEqual({ next: 'again', delay: 0.5, tally: { lost: 0, failed: 0, full: time } });
        if (decision.next === 'again') tally = decision.tally;
      }
      expect(policy.after(lost(cause), tally)).toMatchObject({ next: 'set-aside' });
    },
  );

  test('wrong input is final; trouble of the host is not', () => {
    const outcome = lost('FILE_MISSING: there is no file inputs/7.dat');
    expect(half().after(outcome, noTally, { exitCode: 2 })).toEqual({ next: 'final' });
    expect(half().after(outcome, noTally, { exitCode: 69 })).toMatchObject({ next: 'again' });
    const wrong = failed('INPUT_FILE: there is no file inputs/7.dat');
    expect(half({ retryFailed: 3 }).after(wrong, noTally, { exitCode: 2 })).toEqual({ next: 'final' });
  });

  test.each(['script-status', 'output-full'])(
    'failure of the application (%s) is run again if asked',
    (cause) => {
      expect(half().after(failed(cause))).toEqual({ next: 'final' });
      const policy = half({ retryFailed: 1 });
      const again = policy.after(failed(cause), { lost: 2, failed: 0 });
      expect(again).toEqual({ next: 'again', delay: 0.5, tally: { lost: 2, failed: 1 } });
      expect(policy.after(failed(cause), { lost: 2, failed: 1 })).toEqual({ next: 'final' });
    },
  );

  test.each(['done', 'cancelled'] as const)('%s is final', (state) => {
    expect(half({ retryFailed: 9 }).after({ state })).toEqual({ next: 'final' });
  });
});

test('delays double up to five minutes', () => {
  const policy = new RetryPolicy(limits({ attempts: 100 }), () => 1);
  const delays = Array.from({ length: 11 }, (_, lostBefore) => {
    const decision = policy.after(lost('panic'), { lost: lostBefore, failed: 0 });
    return decision.next === 'again' ? decision.delay : NaN;
  });
  expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
});

test('every series of ends comes to an end, with no more attempts than allowed', () => {
  const ends = fc.infiniteStream(fc.constantFrom(lost('panic'), lost('timeout'), failed('script-status')));
  const number = fc.nat({ max: 6 });
  fc.assert(
    fc.property(ends, number, number, fc.boolean(), (outcomes, attempts, retryFailed, retryTimeouts) => {
      const policy = new RetryPolicy({ attempts: attempts + 1, retryFailed, retryTimeouts }, Math.random);
      let tally: Tally = noTally;
      let runs = 0;
      for (const outcome of outcomes) {
        runs++;
        const decision = policy.after(outcome, tally);
        if (decision.next !== 'again') break;
        expect(decision.delay).toBeGreaterThanOrEqual(0);
        expect(decision.delay).toBeLessThanOrEqual(300);
        tally = decision.tally;
      }
      expect(tally.lost).toBeLessThanOrEqual(attempts);
      expect(tally.failed).toBeLessThanOrEqual(retryFailed);
      expect(runs).toBe(tally.lost + tally.failed + 1);
    }),
    { numRuns: 200 },
  );
});
