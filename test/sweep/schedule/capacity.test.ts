import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Capacity } from '../../../src/sweep/schedule/capacity.js';
import type { HostSample } from '../../../src/sweep/schedule/host-sample.js';
import { SwapBrake } from '../../../src/sweep/schedule/swap-brake.js';

const [mib, gib] = [2 ** 20, 2 ** 30];
const idle: HostSample = { cpus: 8, memory: 100 * gib, load: 0, runnable: 0, swapped: 0 };
const capacity = (cpus: number, memoryMib: number, jobs?: number) =>
  new Capacity({ hardware: { cpus, memory: memoryMib * mib } }, jobs);

describe('on an idle host', () => {
  test.each([
    ['the CPUs', 1, 256, idle, undefined, { atOnce: 8, by: 'cpus' }],
    ['the CPUs of the guests', 3, 256, idle, undefined, { atOnce: 2, by: 'cpus' }],
    ['a quota', 1, 256, { ...idle, cpus: 2.5 }, undefined, { atOnce: 2, by: 'cpus' }],
    [
      'memory, with what a VMM takes',
      1,
      960,
      { ...idle, memory: 3100 * mib },
      undefined,
      { atOnce: 3, by: 'memory' },
    ],
    ['-j', 1, 256, idle, 20, { atOnce: 20, by: 'jobs' }],
    ['memory, below -j', 1, 960, { ...idle, memory: 3 * gib }, 20, { atOnce: 3, by: 'memory' }],
    ['nothing: one always runs', 16, 64_000, { ...idle, memory: 0 }, undefined, { atOnce: 1, by: 'cpus' }],
  ] as const)('%s', (_, cpus, memory, host, jobs, expected) => {
    expect(capacity(cpus, memory, jobs).update(0, host, { running: 0 })).toEqual(expected);
  });

  test('the share of this sweep', () => {
    const limit = capacity(2, 256).update(0, idle, { running: 0, share: 5 });
    expect(limit).toEqual({ atOnce: 2, by: 'share' });
    expect(capacity(2, 256, 9).update(0, idle, { running: 0, share: 1 })).toEqual({ atOnce: 1, by: 'share' });
  });
});

describe('what is left for machines that wait', () => {
  const spare = (host: Partial<HostSample>, use: object = {}, jobs: number | undefined = 2) => {
    const tested = capacity(1, 960, jobs);
    tested.update(0, { ...idle, ...host }, { running: 0, ...use });
    return tested.spare;
  };

  test('is what instances do not take of processors and memory', () => {
    expect(spare({ memory: 10 * gib })).toEqual({ machines: 8, cpus: 6 });
    expect(spare({ memory: 10 * gib }, {}, 8)).toEqual({ machines: 2, cpus: 0 });
    expect(spare({ memory: gib })).toEqual({ machines: 0, cpus: 7 });
    expect(spare({ cpus: 2.5 }).cpus).toBe(0.5);
  });

  test('is not what others have', () => {
    expect(spare({}, { otherSweeps: 3 }).cpus).toBe(3);
    expect(spare({ load: 5, runnable: 5 }).cpus).toBe(2);
  });

  test('has in it the machines that wait already', () => {
    // Eight more have room, four are there, two of all run.
    expect(spare({ memory: 12 * gib }, { waiting: 4 })).toEqual({ machines: 10, cpus: 6 });
  });
});

describe('memory', () => {
  const instances = (...sizes: number[]) => new Map(sizes.map((size, pid) => [pid, size * mib] as const));

  test('follows what instances really take', () => {
    const tested = capacity(1, 960, 1000);
    const host = { ...idle, memory: 10 * gib };
    expect(tested.update(0, host, { running: 0 }).atOnce).toBe(10);
    // Four that take 100 MiB each end, one after the other, and others come.
    for (let turn = 1; turn <= 60; turn++)
      tested.update(turn, host, { running: 4, memory: new Map([[turn, 100 * mib]]) });
    expect(tested.memoryEach / mib).toBeCloseTo(100, 0);
    expect(tested.update(61, host, { running: 1, memory: instances(100) }).atOnce).toBeGreaterThan(90);
    // One takes more than any before: so may all.
    tested.update(62, host, { running: 1, memory: instances(2048) });
    expect(tested.memoryEach).toBe(2 * gib);
    expect(tested.update(63, host, { running: 1, memory: instances(2048) }).atOnce).toBe(6);
  });

  test('keeps what those that run have still to take', () => {
    const tested = capacity(1, 960, 1000);
    // 6 GiB are free, but of four instances one has not begun to take its 1 GiB, and two have only a half.
    const limit = tested.update(
      0,
      { ...idle, memory: 6 * gib },
      { running: 4, memory: instances(512, 512, 1024) },
    );
    expect(limit).toEqual({ atOnce: 8, by: 'memory' });
  });
});

describe('load', () => {
  test('of others leaves them their CPUs', () => {
    const limit = capacity(1, 256).update(0, { ...idle, load: 4, runnable: 4 }, { running: 0 });
    expect(limit).toEqual({ atOnce: 5, by: 'load' });
  });

  test('does not matter to who says -j', () => {
    const limit = capacity(1, 256, 6).update(0, { ...idle, load: 40, runnable: 40 }, { running: 0 });
    expect(limit.atOnce).toBe(6);
  });

  test('of a minute ago does not count when nobody wants to run now', () => {
    expect(capacity(1, 256).update(0, { ...idle, load: 8, runnable: 0 }, { running: 0 }).atOnce).toBe(8);
  });

  test('of its own and of the other sweeps does not count', () => {
    const tested = capacity(1, 256);
    let load = 0;
    const use = { running: 5, otherSweeps: 3 };
    for (let now = 0; now < 300; now++) {
      expect(tested.update(now, { ...idle, load, runnable: 8 }, use)).toEqual({ atOnce: 8, by: 'cpus' });
      load += (8 - load) * (1 - Math.exp(-1 / 60));
    }
    // Others come, with two tasks.
    for (let now = 300; now < 600; now++) {
      tested.update(now, { ...idle, load, runnable: 10 }, use);
      load += (10 - load) * (1 - Math.exp(-1 / 60));
    }
    expect(tested.update(600, { ...idle, load, runnable: 10 }, use)).toEqual({ atOnce: 7, by: 'load' });
  });
});

describe('swapping', () => {
  test('holds back at once and lets go slowly', () => {
    const tested = capacity(1, 256);
    const at = (now: number, swapped: number, running: number) =>
      tested.update(now, { ...idle, swapped }, { running });
    expect(at(0, 5000, 6)).toEqual({ atOnce: 8, by: 'cpus' });
    expect(at(1, 5050, 6)).toEqual({ atOnce: 8, by: 'cpus' });
    expect(at(2, 9000, 6)).toEqual({ atOnce: 6, by: 'swap' });
    // It goes on swapping while some end: no other takes their place.
    expect(at(3, 13_000, 4)).toEqual({ atOnce: 4, by: 'swap' });
    expect(at(4, 17_000, 0)).toEqual({ atOnce: 1, by: 'swap' });
    expect(at(13, 17_000, 1).atOnce).toBe(1);
    expect(at(14, 17_000, 1).atOnce).toBe(2);
    expect(at(44, 17_000, 2).atOnce).toBe(5);
    expect(at(74, 17_000, 2)).toEqual({ atOnce: 8, by: 'cpus' });
  });

  test('that is not told holds nothing back', () => {
    const brake = new SwapBrake();
    brake.note(0, undefined, 3, 8);
    brake.note(1, undefined, 3, 8);
    expect(brake.most).toBe(Infinity);
  });
});

test('whatever the host says, at least one and never above -j', () => {
  const number = fc.double({ min: 0, max: 1e12, noNaN: true });
  const step = fc.record({
    host: fc.record({ cpus: number, memory: number, load: number, runnable: number, swapped: number }),
    running: fc.nat({ max: 200 }),
    share: number,
    sizes: fc.array(number, { maxLength: 5 }),
    pass: fc.double({ min: 0, max: 100, noNaN: true }),
  });
  const jobs = fc.integer({ min: 1, max: 100 });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), jobs, fc.boolean(), (steps, most, said) => {
      const tested = capacity(1, 256, said ? most : undefined);
      let now = 0;
      for (const { host, running, share, sizes, pass } of steps) {
        const memory = new Map(sizes.map((size, pid) => [pid, size] as const));
        const { atOnce } = tested.update((now += pass), host, { running, share, memory });
        expect(Number.isInteger(atOnce)).toBe(true);
        expect(atOnce).toBeGreaterThanOrEqual(1);
        expect(atOnce).toBeLessThanOrEqual(said ? most : Math.max(1, host.cpus));
      }
    }),
    { numRuns: 200 },
  );
});
