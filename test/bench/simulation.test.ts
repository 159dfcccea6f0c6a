import { describe, expect, it } from 'vitest';
import { newestResults } from '../../bench/results.js';
import { figuresOf } from '../../bench/scaling.js';
import { Agenda, Server } from '../../bench/simulation/agenda.js';
import { growth } from '../../bench/simulation/cases.js';
import { Draws } from '../../bench/simulation/draws.js';
import type { Costs, Site, Workload } from '../../bench/simulation/model.js';
import { simulate } from '../../bench/simulation/simulate.js';

const work = (more: Partial<Workload> = {}): Workload => ({
  ...{ points: 1000, seconds: 10, spread: 'none', lossChance: 0, imageBytes: 0, ...more },
});

/** Nothing costs anything and nothing fails, but for what is said. */
const site = (more: Partial<Site> = {}): Site => ({
  ...{ nodes: 1, slotsPerNode: 1, arrivalSeconds: 0, cachedShare: 0 },
  ...{ failureSeconds: Infinity, repairSeconds: 600, turnSeconds: 0 },
  ...{ jobStartsPerSecond: Infinity, operationsPerSecond: Infinity },
  ...{ bytesPerSecond: Infinity, nodeBytesPerSecond: Infinity, ...more },
});

const costs = (more: Partial<Costs> = {}): Costs => ({
  ...{ pointSeconds: 0, workerSeconds: 0, operationsPerPoint: 0, submitSeconds: 0, foldSeconds: 0 },
  ...{ arraySeconds: 0, lookSeconds: 0, jobs: 1e9, arrayJobs: 1e9, jobSeconds: 300, ...more },
});

const grim = {
  work: work({ points: 20_000, seconds: 60, spread: 'exponential', lossChance: 0.02, imageBytes: 1e9 }),
  site: site({
    ...{ nodes: 40, slotsPerNode: 8, arrivalSeconds: 300, cachedShare: 0.5, turnSeconds: 0.5 },
    ...{ failureSeconds: 8000, repairSeconds: 900, jobStartsPerSecond: 20, operationsPerSecond: 500 },
    ...{ bytesPerSecond: 1e9, nodeBytesPerSecond: 1e8 },
  }),
  costs: costs({
    ...{ pointSeconds: 0.5, workerSeconds: 0.5, operationsPerPoint: 20, submitSeconds: 1e-4 },
    ...{ foldSeconds: 1e-3, arraySeconds: 0.01, lookSeconds: 2, jobs: 5000, arrayJobs: 1000 },
  }),
};

describe('whatever happens', () => {
  const outcome = simulate(grim.work, grim.site, grim.costs, 7);

  it('every point is taken in once, and those that came back were given again', () => {
    expect(outcome.nodeFailures).toBeGreaterThan(5);
    expect(outcome.done).toBe(grim.work.points);
    expect(outcome.given).toBeGreaterThan(outcome.done);
    expect(outcome.computed).toBeGreaterThanOrEqual(outcome.done);
    expect(outcome.computed).toBeLessThanOrEqual(outcome.given);
  });

  it('nothing is quicker than its slots, and nothing is busy for longer than it lasts', () => {
    expect(outcome.seconds).toBeGreaterThan(outcome.idealSeconds);
    expect(outcome.mostRunning).toBeLessThanOrEqual(320);
    for (const share of Object.values(outcome.busy)) expect(share).toBeLessThanOrEqual(1);
  });

  it('the same seed gives the same, another one something else', () => {
    expect(simulate(grim.work, grim.site, grim.costs, 7)).toEqual(outcome);
    expect(simulate(grim.work, grim.site, grim.costs, 8).seconds).not.toBe(outcome.seconds);
  });
});

describe('what can be reckoned by hand', () => {
  it('one slot: the sum of all', () => {
    const { seconds, jobs } = simulate(
      work({ points: 90, imageBytes: 5e8 }),
      site({ jobStartsPerSecond: 0.5, bytesPerSecond: 1e9, nodeBytesPerSecond: 1e8, turnSeconds: 3 }),
      costs({ pointSeconds: 1, workerSeconds: 4, submitSeconds: 0.1, arraySeconds: 2, lookSeconds: 7 }),
      1,
    );
    // 27 points of 11 s are nearest to 300 s: of 90, four jobs.
    expect(jobs).toBe(4);
    const submitted = 2 + 90 * 0.1;
    // Starts of jobs are made in time where the slot is what is missing, and each takes 2 s of the scheduler.
    expect(seconds).toBeCloseTo(submitted + 4 * 2 + 4 * 4 + 5 + 90 * 11 + 3 * 3 + 7, 6);
  });

  it('enough slots: points x seconds / slots', () => {
    const { seconds, idealSeconds, busy } = simulate(
      work({ points: 96_000 }),
      site({ nodes: 10, slotsPerNode: 16 }),
      costs(),
      1,
    );
    expect(idealSeconds).toBe(6000);
    expect(seconds).toBeCloseTo(6000, 6);
    expect(busy.slots).toBeCloseTo(1, 6);
  });

  it('each node copies the images once, if it has none', () => {
    const some = { nodes: 200, slotsPerNode: 4, bytesPerSecond: 1e9, nodeBytesPerSecond: 1e9 };
    const copying = (cachedShare: number) =>
      simulate(work({ points: 50_000, imageBytes: 1e9 }), site({ ...some, cachedShare }), costs(), 1);
    expect(copying(0).copiedBytes).toBe(200e9);
    expect(copying(1).copiedBytes).toBe(0);
    // One after the other: 200 s for the last one.
    expect(copying(0).busy.bytes * copying(0).seconds).toBeCloseTo(200, 6);
  });

  it.each([
    [
      'scheduler',
      site({ nodes: 1000, slotsPerNode: 10, jobStartsPerSecond: 5 }),
      costs({ jobSeconds: 1 }),
      1000 / 5,
    ],
    ['operations', site({ nodes: 1000, operationsPerSecond: 100 }), costs({ operationsPerPoint: 50 }), 500],
    ['client', site({ nodes: 1000 }), costs({ submitSeconds: 0.2, foldSeconds: 0.3 }), 500],
  ] as const)('where the %s is too slow, it decides', (what, where, cost, least) => {
    const { seconds, busy } = simulate(work({ seconds: 1 }), where, cost, 1);
    expect(seconds).toBeGreaterThanOrEqual(least);
    expect(busy[what] * seconds).toBeCloseTo(least, 6);
    expect(busy[what]).toBeGreaterThan(0.5);
  });

  it('not more jobs run at once than GVA submits', () => {
    const { mostRunning, busy } = simulate(
      work({ points: 100_000 }),
      site({ nodes: 100, slotsPerNode: 10 }),
      costs({ jobs: 100 }),
      1,
    );
    expect(mostRunning).toBe(100);
    expect(busy.slots).toBeLessThan(0.11);
  });

  it('points that are lost with a chance p are computed 1 / (1 - p) times', () => {
    const { computed } = simulate(
      work({ points: 100_000, lossChance: 0.2 }),
      site({ nodes: 100, slotsPerNode: 10 }),
      costs(),
      3,
    );
    expect(computed / 100_000).toBeCloseTo(1 / 0.8, 2);
  });

  it('points as long as jobs, on nodes that fail: e^(length / mean time to failure) attempts', () => {
    const [length, failureSeconds] = [1000, 2000];
    const { given } = simulate(
      work({ points: 20_000, seconds: length }),
      site({ nodes: 500, failureSeconds, repairSeconds: 0 }),
      costs(),
      5,
    );
    // Wald: attempts until the first that lasts long enough.
    expect(given / 20_000 / Math.exp(length / failureSeconds)).toBeCloseTo(1, 1);
  });
});

it('the kept result is what the simulation says today (npm run bench -- scaling)', async () => {
  const kept = (await newestResults()).get('scaling');
  const small = growth.slice(0, 2);
  const figures = small.flatMap(({ name, work: what, site: where, costs: cost }) =>
    figuresOf(name, simulate(what, where, cost, 1)),
  );
  const recorded = kept?.figures.slice(0, figures.length);
  expect(recorded?.map(({ what, samples }) => ({ what, samples }))).toEqual(
    figures.map(({ what, samples }) => ({ what, samples })),
  );
});

describe('the parts', () => {
  it('an agenda keeps to the time, and to the order of what has the same time', () => {
    const agenda = new Agenda();
    const said: string[] = [];
    const draws = new Draws(1);
    const times = Array.from({ length: 500 }, () => Math.floor(draws.uniform() * 50));
    times.forEach((time, order) =>
      agenda.at(time, () => said.push(`${String(time).padStart(2)} ${String(order).padStart(3)}`)),
    );
    agenda.run(() => false);
    expect(said).toHaveLength(500);
    expect(said).toEqual([...said].sort());
    expect(() => agenda.at(1, () => undefined)).toThrow('before');
  });

  it('a server serves one after the other', () => {
    const server = new Server(new Agenda(), 2);
    expect([server.serve(4), server.serve(2), server.busy]).toEqual([2, 3, 3]);
  });

  it('draws have the means and variances that they should', () => {
    const draws = new Draws(2);
    const moments = (draw: () => number) => {
      const all = Array.from({ length: 20_000 }, draw);
      const mean = all.reduce((a, b) => a + b) / all.length;
      return [mean, all.reduce((sum, each) => sum + (each - mean) ** 2, 0) / all.length];
    };
    const near = ([mean = NaN, variance = NaN]: number[], wanted: number[]) => {
      expect(mean / (wanted[0] ?? NaN)).toBeCloseTo(1, 1);
      expect(variance / (wanted[1] ?? NaN)).toBeCloseTo(1, 1);
    };
    near(
      moments(() => draws.exponential(3)),
      [3, 9],
    );
    near(
      moments(() => draws.sumOfExponentials(10, 3)),
      [30, 90],
    );
    near(
      moments(() => draws.sumOfExponentials(100, 3)),
      [300, 900],
    );
    near(
      moments(() => draws.binomial(50, 0.3)),
      [15, 10.5],
    );
    near(
      moments(() => draws.binomial(1000, 0.3)),
      [300, 210],
    );
  });
});
