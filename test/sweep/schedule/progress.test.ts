import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Durations } from '../../../src/sweep/schedule/durations.js';
import { EndRate } from '../../../src/sweep/schedule/end-rate.js';
import { Progress } from '../../../src/sweep/schedule/progress.js';

describe('the rate', () => {
  test('is not known before the first end', () => {
    expect(new EndRate(0).perMinute(10)).toBeUndefined();
  });

  test('of a steady stream', () => {
    const rate = new EndRate(1000);
    for (let end = 1; end <= 1200; end++) rate.note(1000 + end / 2);
    expect(rate.perMinute(1600)).toBeCloseTo(120, -1);
  });

  test('follows a change within a minute', () => {
    const rate = new EndRate(0);
    for (let end = 1; end <= 1000; end++) rate.note(end / 10);
    for (let end = 1; end <= 60; end++) rate.note(100 + end);
    expect(rate.perMinute(160.5)).toBeCloseTo(60, -0.5);
  });

  test('of points that take long is over thirty of them', () => {
    const rate = new EndRate(0);
    for (let end = 1; end <= 10; end++) rate.note(end * 120);
    expect(rate.perMinute(1200)).toBe(0.5);
    for (let end = 11; end <= 100; end++) rate.note(end * 120);
    expect(rate.perMinute(12_000)).toBe(0.5);
    // And goes down while none ends.
    expect(rate.perMinute(12_000 + 29 * 120)).toBe(0.25);
  });

  test('of everything at once is no infinity', () => {
    const rate = new EndRate(5);
    rate.note(5);
    expect(rate.perMinute(5)).toBe(600);
  });

  test('is never negative or above what ended', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { minLength: 1 }), (gaps) => {
        const rate = new EndRate(0);
        let now = 0;
        for (const gap of gaps) rate.note((now += gap));
        const perMinute = rate.perMinute(now)!;
        expect(perMinute).toBeGreaterThanOrEqual(0);
        expect(perMinute).toBeLessThanOrEqual((60 * gaps.length) / 0.1);
      }),
    );
  });
});

describe('what remains', () => {
  const of = (...seconds: number[]) => {
    const durations = new Durations();
    for (const each of seconds) durations.note(each);
    return durations;
  };

  test('is not known before two have ended, unless it is nothing', () => {
    expect(of(5).remaining(10, 2)).toBeUndefined();
    expect(of().remaining(0, 2)).toEqual({ seconds: 0, low: 0, high: 0 });
  });

  test('of points that all take the same has no uncertainty', () => {
    expect(of(4, 4, 4).remaining(10, 2)).toEqual({ seconds: 20, low: 20, high: 20 });
    expect(of(4, 4, 4).remaining(3, 8)?.seconds).toBe(4);
  });

  test('counts what the running ones have behind them', () => {
    expect(of(4, 4).remaining(10, 2, [1, 3])?.seconds).toBe(18);
    // One that takes longer than the mean is about to end.
    expect(of(4, 4).remaining(1, 2, [100])?.seconds).toBe(0);
  });

  test('by the formula', () => {
    // Mean 4, sample variance 4, 3 ended: t of 2 degrees is 1.96 + 2.3724 / 2 + 2.8224 / 4.
    const { seconds, low, high } = of(2, 4, 6).remaining(5, 1)!;
    const t = 1.96 + (1.96 ** 3 + 1.96) / 8 + (5 * 1.96 ** 5 + 16 * 1.96 ** 3 + 3 * 1.96) / 384;
    expect(seconds).toBeCloseTo(20, 9);
    expect(high - seconds).toBeCloseTo(t * Math.sqrt(4 * (5 + 25 / 3)), 9);
    expect(low).toBe(0);
    expect(t).toBeCloseTo(3.85, 1);
  });

  test('holds the truth about as often as it says', () => {
    // Exponential durations by inversion, of a generator with a fixed seed (mulberry32).
    let state = 42;
    const random = () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
    const duration = () => -10 * Math.log(1 - random());
    const rounds = 400;
    let inside = 0;
    for (let round = 0; round < rounds; round++) {
      const durations = of(...Array.from({ length: 100 }, duration));
      const truth = Array.from({ length: 200 }, duration).reduce((sum, each) => sum + each) / 4;
      const { low, high } = durations.remaining(200, 4)!;
      if (low <= truth && truth <= high) inside++;
    }
    expect(inside / rounds).toBeGreaterThan(0.9);
    expect(inside / rounds).toBeLessThan(0.99);
  });

  test('has more weight on the latest', () => {
    const durations = of(...Array<number>(5000).fill(1), ...Array<number>(5000).fill(3));
    expect(durations.remaining(10, 1)!.seconds).toBeCloseTo(30, 0);
  });
});

describe('progress', () => {
  const at = new Date('2026-03-01T12:00:00Z');
  const done = { state: 'done' } as const;

  test('tells of what runs', () => {
    const progress = new Progress(0);
    progress.started(90, 7, 1);
    progress.started(95.25, 8, 2);
    progress.reached(7, 'running', { fraction: 0.5, text: 'phase 2' });
    progress.reached(7, 'running', { fraction: 7 });
    progress.reached(99, 'running');
    const parts = progress.parts(100, at, 10, 2);
    expect(parts).toEqual({
      perMinute: null,
      remaining: null,
      running: [
        {
          index: 7,
          attempt: 1,
          phase: 'running',
          fraction: 0.5,
          text: 'phase 2',
          since: '2026-03-01T11:59:50.000Z',
        },
        { index: 8, attempt: 2, phase: 'staging', since: '2026-03-01T11:59:55.250Z' },
      ],
      slowest: [],
      failures: [],
    });
  });

  test('knows the ten slowest, the last twenty failures, and forgets a failure that is made good', () => {
    const progress = new Progress(0);
    const run = (index: number, seconds: number, outcome: Parameters<Progress['ended']>[2], attempt = 1) => {
      progress.started(0, index, attempt);
      progress.ended(seconds, index, outcome);
    };
    const failed = { state: 'failed', cause: 'script-status', message: 'status 3' } as const;
    for (let index = 0; index < 50; index++) run(index, (index * 7) % 50, index % 2 ? failed : done);
    const { slowest, failures } = progress.parts(50, at, 10, 2);
    expect(slowest.map(({ seconds }) => seconds)).toEqual([49, 48, 47, 46, 45, 44, 43, 42, 41, 40]);
    expect(failures.map(({ index }) => index)).toEqual(Array.from({ length: 20 }, (_, k) => 49 - 2 * k));
    expect(failures[0]).toEqual({ index: 49, ...failed, attempts: 1 });
    run(49, 60, done, 2);
    run(47, 61, { state: 'lost' }, 3);
    const after = progress.parts(61, at, 10, 2);
    expect(after.failures[0]).toEqual({ index: 47, state: 'lost', attempts: 3 });
    expect(after.failures).toHaveLength(19);
    expect(after.slowest[0]).toEqual({ index: 47, seconds: 61 });
    expect(new Set(after.slowest.map(({ index }) => index)).size).toBe(10);
  });

  test('counts no end of what is put back', () => {
    const progress = new Progress(0);
    progress.started(0, 1, 1);
    progress.putBack(1);
    progress.ended(5, 1, done);
    expect(progress.parts(5, at, 1, 1)).toMatchObject({ perMinute: null, running: [], slowest: [] });
  });

  test('estimates the end', () => {
    const progress = new Progress(0);
    for (let index = 0; index < 60; index++) {
      progress.started(index, index, 1);
      progress.ended(index + 1, index, done);
    }
    const { perMinute, remaining } = progress.parts(60, at, 120, 1);
    expect(perMinute).toBeCloseTo(60, -0.5);
    expect(remaining).toEqual({ seconds: 120, low: 120, high: 120 });
  });
});
