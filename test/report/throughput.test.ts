import { describe, expect, test } from 'vitest';
import { throughputChart } from '../../src/report/chart/throughput.js';
import { endings, throughputOf } from '../../src/report/throughput.js';
import { tableOf } from './fixture.js';

const start = Date.parse('2026-01-02T03:04:05.000Z');
/** Ends so many seconds after the start. */
const at = (...seconds: number[]) => Float64Array.from(seconds, (each) => start + 1000 * each);
const even = (count: number, every: number) =>
  at(...Array.from({ length: count }, (_, index) => (index + 0.5) * every));

describe('throughput', () => {
  test('is read of when points began and how long they took', () => {
    const row = (seconds: number, total: number | null) => ({
      ...{ gva_started: new Date(start + 1000 * seconds).toISOString(), gva_total_s: total },
    });
    const { columns, rows } = tableOf(
      [],
      [row(5, 1.5), row(0, 2), row(9, null), { gva_total_s: 1 }, row(0, 1e308)],
    );
    expect([...endings(columns, rows)]).toEqual([start + 2000, start + 6500]);
  });

  test('is the points of each part by its length', () => {
    expect(throughputOf(even(60, 1), start, start + 60_000)).toEqual({
      span: 60,
      perMinute: [60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60],
    });
    const slower = throughputOf(at(1, 2, 3, 4, 5, 6, 7, 8, 12, 18), start, start + 20_000);
    expect(slower).toEqual({ span: 20, perMinute: [48, 12] });
  });

  test('falls to nothing where nothing ends any more, and has no part that is not over', () => {
    expect(throughputOf(even(6, 1), start, start + 65_000)).toEqual({ span: 60, perMinute: [12, 0] });
  });

  test('does not count what ended before', () => {
    expect(throughputOf(even(100, 1), start + 90_000, start + 100_000)?.perMinute).toEqual([60, 60]);
  });

  test('is nothing where too little has ended', () => {
    for (const ends of [at(), at(1, 2, 3)]) expect(throughputOf(ends, start, start + 10_000)).toBeUndefined();
    for (const to of [NaN, start, start + 500])
      expect(throughputOf(even(100, 0.001), start, to)).toBeUndefined();
  });

  test('of a long sweep has no more parts than can be told apart', () => {
    const { perMinute, span } = throughputOf(even(50_000, 7), start, start + 350_000_000)!;
    expect(perMinute.length).toBeLessThanOrEqual(60);
    expect(span).toBeGreaterThan(330_000);
    expect(throughputOf(at(1, 2, 3, 4, 5, 6, 1e12), start, start + 1e15)?.perMinute).toHaveLength(2);
  });

  test('is drawn as steps, and says what is under the pointer', () => {
    const { scene, hit } = throughputChart({ span: 20, perMinute: [48, 48, 12, 12] }, 600, 170);
    expect(scene.description).toBe('Points that ended per minute in 20 s: 30 on the average, at most 48');
    expect(hit(100, 80)?.lines).toEqual(['48 points per minute', '0 s to 5 s']);
    expect(hit(570, 80)?.lines).toEqual(['12 points per minute', '15 s to 20 s']);
    expect(hit(10, 80)).toBeUndefined();
  });
});
