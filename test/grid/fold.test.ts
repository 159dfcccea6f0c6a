import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readStatus } from '../../src/sweep/observe/status.js';
import type { Plan } from '../../src/sweep/plan/plan.js';
import { GridHome } from './grid-home.js';
import { ScriptedGrid, silent } from './scripted-grid.js';

let home: GridHome;
let plan: Plan;
beforeEach(async () => {
  home = await GridHome.make();
  plan = await home.plan(6);
});
afterEach(() => home[Symbol.asyncDispose]());

/** A sweep whose client has gone; its jobs wait. */
async function left(grid: ScriptedGrid): Promise<void> {
  grid.slots = 0;
  await home.sweep(grid, plan, { settings: { leave: true } });
  grid.slots = Infinity;
}

const lately = (why: string) =>
  new RegExp(`^its jobs have ended \\(lately: ${why}\\), and gva sweep resume goes on with the rest$`);

/** The grid begins so many jobs while nobody looks. */
async function work(grid: ScriptedGrid, jobs: number): Promise<void> {
  grid.slots = jobs;
  await grid.poll([]);
  grid.slots = 0;
}

describe('taking in what jobs have done', () => {
  test('store, table and status are as if a client had been there', async () => {
    const grid = new ScriptedGrid();
    await left(grid);
    await work(grid, 2);
    expect(await home.fold(grid, plan)).toMatchObject({
      ...{ state: 'running', name: 'test', points: 6, counts: { done: 4, active: 2, pending: 0 } },
      grid: { engine: 'scripted', pending: 1, running: 0, nodes: 0 },
      slowest: [{ seconds: 0.6 }, {}, {}, {}],
    });
    expect((await home.home.shortRows()).filter((row) => row.includes('done'))).toHaveLength(4);
    expect(await readStatus(home.out)).toMatchObject({ owner: 'none', ended: false });
    await work(grid, 1);
    const status = await home.fold(grid, plan);
    expect(status).toMatchObject({ state: 'finished', counts: { done: 6 }, slowest: { length: 6 } });
    expect(status.reason).toBeUndefined();
    expect(await home.openChunks()).toEqual([]);
    expect(await readStatus(home.out)).toMatchObject({ ended: true });
    expect(grid.submitted).toHaveLength(1);
    expect(grid.cancelled).toEqual([]);
  });

  test('is repeated without harm, and so is it by a client that comes back', async () => {
    const grid = new ScriptedGrid();
    await left(grid);
    await work(grid, 1);
    for (let times = 0; times < 3; times++)
      expect(await home.fold(grid, plan)).toMatchObject({ counts: { done: 2, active: 4 } });
    grid.slots = Infinity;
    expect(await home.sweep(grid, plan)).toMatchObject({ counts: { done: 6 }, kept: 2 });
    expect(grid.submitted).toHaveLength(1);
  });

  test('while points run, they are told', async () => {
    const grid = new ScriptedGrid(async (job) => {
      await job.begin('n3');
      await job.beganPoint(job.points[0]!);
    });
    await left(grid);
    await work(grid, 1);
    expect(await home.fold(grid, plan)).toMatchObject({
      running: [{ index: 0, attempt: 1, phase: 'running' }],
      grid: { pending: 2, running: 1, nodes: 1 },
      counts: { active: 6 },
    });
  });

  test('what would be run again is pending, and what was lost for good is lost', async () => {
    const grid = new ScriptedGrid(async (job) => {
      await job.begin();
      await job.beganPoint(job.points[0]!);
      job.end((['failed', 'node-failed', 'preempted'] as const)[job.number]!);
    });
    await left(grid);
    await work(grid, 3);
    expect(await home.fold(grid, plan)).toMatchObject({
      ...{ state: 'stopped', counts: { lost: 1, pending: 5, active: 0 } },
      reason: expect.stringMatching(lately('.*PREEMPTED.*')) as string,
      failures: [{ index: 0, state: 'lost', cause: 'worker-failed' }],
    });
    expect(home.states()).toEqual({ lost: [0] });
    // It was told, and is told again while it is so.
    expect((await home.fold(grid, plan)).failures).toMatchObject([{ index: 0 }]);
    const again = new ScriptedGrid();
    expect((await home.sweep(again, plan)).counts.done).toBe(6);
    expect(home.record(0)).toMatchObject({ attempts: 2 });
  });

  test('where every job failed by its node, the reason is told, and still is the next time', async () => {
    const grid = new ScriptedGrid(async (job) => {
      await job.begin();
      job.end('node-failed');
    });
    await left(grid);
    await work(grid, 3);
    const told = {
      ...{ state: 'stopped', counts: { lost: 0, pending: 6, active: 0 }, failures: [] },
      reason: expect.stringMatching(lately('.*node.*')) as string,
    };
    expect(await home.fold(grid, plan)).toMatchObject(told);
    expect(await home.fold(grid, plan)).toMatchObject(told);
  });

  test('where the grid does not answer, what workers have written counts', async () => {
    const grid = new ScriptedGrid();
    await left(grid);
    await work(grid, 2);
    grid.before = () => {
      throw silent();
    };
    expect(await home.fold(grid, plan)).toMatchObject({
      ...{ state: 'running', counts: { done: 4 }, grid: { pending: 1 } },
      reason: 'the grid does not answer: squeue: it does not answer',
    });
  });

  test('of an array that is not known to the grid for certain, nothing is submitted', async () => {
    const grid = new ScriptedGrid();
    await left(grid);
    await rm(join(home.out, 'grid/chunks/c0001/submitted.json'));
    await work(grid, 3);
    expect(await home.fold(grid, plan)).toMatchObject({ state: 'finished' });
    expect(grid.submitted).toHaveLength(1);
  });

  test('without the plan, the table stays as it was', async () => {
    const grid = new ScriptedGrid();
    await left(grid);
    const table = await readFile(join(home.out, 'results.csv'), 'utf8');
    await work(grid, 3);
    expect(await home.fold(grid, undefined)).toMatchObject({ state: 'finished', counts: { done: 6 } });
    expect(await readFile(join(home.out, 'results.csv'), 'utf8')).toBe(table);
  });

  test('is not done beside somebody who has the folder', async () => {
    const grid = new ScriptedGrid();
    await left(grid);
    const { processIdentity } = await import('../../src/system/process-identity.js');
    await writeFile(join(home.out, '.lock-a'), JSON.stringify(await processIdentity(process.pid)));
    await expect(home.fold(grid, plan)).rejects.toMatchObject({ code: 'SWEEP_IN_USE' });
  });
});

describe('cancelling without a client', () => {
  test('all: what waits and runs is ended', async () => {
    const grid = new ScriptedGrid(async (job) => {
      if (job.number === 0) return job.complete();
      await job.begin();
      await job.beganPoint(job.points[0]!);
    });
    await left(grid);
    await work(grid, 2);
    expect(await home.fold(grid, plan, 'all')).toMatchObject({
      ...{ state: 'stopped', reason: 'it was cancelled' },
      counts: { done: 2, pending: 4, active: 0 },
      grid: { pending: 0, running: 0 },
    });
    expect(grid.jobs.map(({ state }) => state?.end)).toEqual(['completed', 'cancelled', 'cancelled']);
    expect(await home.openChunks()).toEqual([]);
  });

  test('all, of an array that has never come to the grid', async () => {
    const grid = new ScriptedGrid();
    await left(grid);
    await rm(join(home.out, 'grid/chunks/c0001/submitted.json'));
    grid.jobs.splice(0);
    expect(await home.fold(grid, plan, 'all')).toMatchObject({ state: 'stopped', counts: { pending: 6 } });
    expect(grid.submitted).toHaveLength(1);
    expect(await home.openChunks()).toEqual([]);
  });

  test('points: the others go on', async () => {
    const grid = new ScriptedGrid();
    await left(grid);
    grid.slots = 0;
    expect(await home.fold(grid, plan, [0, 1, 3])).toMatchObject({
      counts: { done: 0, active: 3, pending: 3 },
    });
    expect(home.states()).toMatchObject({ cancelled: [0, 1, 3] });
    expect(grid.cancelled).toEqual(['100_0']);
    await work(grid, 3);
    expect(await home.fold(grid, plan)).toMatchObject({ state: 'stopped', counts: { done: 3 } });
    expect(home.states()).toEqual({ cancelled: [0, 1, 3], done: [2, 4, 5] });
  });
});
