import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GridHome } from './grid-home.js';
import { ScriptedGrid } from './scripted-grid.js';

let home: GridHome;
beforeEach(async () => {
  home = await GridHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

test('points in bundles, each done once, and nothing is left open', async () => {
  const grid = new ScriptedGrid();
  const summary = await home.sweep(grid, await home.plan(7));
  expect(summary).toMatchObject({ points: 7, counts: { done: 7, pending: 0 }, interrupted: false });
  expect(summary.jobs).toBeUndefined();
  expect(grid.jobs.map(({ indices }) => indices)).toEqual([[0, 1], [2, 3], [4, 5], [6]]);
  expect(grid.submitted).toHaveLength(1);
  expect(grid.submitted[0]).toMatchObject({ elements: 4, exclude: [], resources: { cpus: 1 } });
  expect(grid.cancelled).toEqual([]);
  expect(await home.openChunks()).toEqual([]);
  expect(await home.status()).toMatchObject({ state: 'finished', grid: { pending: 0, running: 0 } });
  expect(home.eventsOf('point-started')).toHaveLength(7);
  expect(home.eventsOf('point-ended').map(({ outcome }) => outcome.state)).toEqual(Array(7).fill('done'));
  expect((await home.home.shortRows())[6]).toBe('7,fast,done,,0');
});

test('done ones are not submitted again', async () => {
  const plan = await home.plan(3);
  await home.sweep(new ScriptedGrid(), plan);
  const grid = new ScriptedGrid();
  expect(await home.sweep(grid, plan)).toMatchObject({ kept: 3, counts: { done: 3 } });
  expect(grid.submitted).toEqual([]);
  expect(grid.polls).toBe(0);
});

test('with --force they are, and the new results take the place of the old', async () => {
  const plan = await home.plan(2);
  await home.sweep(new ScriptedGrid(), plan);
  const again = new ScriptedGrid(async (job) => {
    await job.begin();
    for (const point of job.points) {
      await job.beganPoint(point);
      await job.publish(point, 'done', 'again');
      await job.endedPoint(point);
    }
    await job.finish();
  });
  expect(await home.sweep(again, plan, { force: true })).toMatchObject({ counts: { done: 2 } });
  expect(again.jobs).toHaveLength(1);
  expect(await home.resultOf(1)).toBe('again');
});

test('in the order that the plan says', async () => {
  const grid = new ScriptedGrid();
  await home.sweep(grid, await home.plan(4, 'order: -n\n'), {
    settings: { bundle: 1 },
  });
  expect(grid.jobs.flatMap(({ indices }) => indices)).toEqual([3, 2, 1, 0]);
});

test('no more elements than there may be of an array, and of all', async () => {
  const grid = new ScriptedGrid();
  grid.known = { elements: 2, jobs: 5 };
  grid.slots = 1;
  let most = 0;
  grid.before = (what) => {
    if (what === 'poll')
      most = Math.max(most, grid.jobs.filter(({ state }) => state?.state !== 'ended').length);
  };
  expect(await home.sweep(grid, await home.plan(20))).toMatchObject({ counts: { done: 20 } });
  expect(Math.max(...grid.submitted.map(({ elements }) => elements))).toBe(2);
  // Four fifths of what the grid keeps.
  expect(most).toBe(4);
  expect(grid.jobs.flatMap(({ indices }) => indices)).toEqual(Array.from({ length: 20 }, (_, i) => i));
});

test('no more at a time than the sweep is to have', async () => {
  const grid = new ScriptedGrid();
  grid.slots = 1;
  let most = 0;
  grid.before = (what) => {
    if (what === 'poll')
      most = Math.max(most, grid.jobs.filter(({ state }) => state?.state !== 'ended').length);
  };
  const settings = { mostJobs: 3 };
  expect(await home.sweep(grid, await home.plan(20), { settings })).toMatchObject({ counts: { done: 20 } });
  expect(most).toBe(3);
});

test('with no more questions to the grid than looks', async () => {
  const grid = new ScriptedGrid(async (job) => {
    await job.begin();
    for (const point of job.points) await job.run(point);
    await job.finish();
  });
  grid.slots = 5;
  await home.sweep(grid, await home.plan(200), { settings: { bundle: 1 } });
  // 200 jobs, five of which begin at each question.
  expect(grid.polls).toBeLessThan(60);
  expect(await readdir(join(home.out, 'points/0000'))).toHaveLength(200);
});
