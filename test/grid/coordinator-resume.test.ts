import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { gridFiles } from '../../src/system/paths.js';
import { GridHome } from './grid-home.js';
import { ScriptedGrid, type ScriptedJob } from './scripted-grid.js';

let home: GridHome;
beforeEach(async () => {
  home = await GridHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

const allDone = (points: number) => ({ pending: 0, done: points, failed: 0, lost: 0 });

/** What a client is killed by: nobody catches it. */
class Killed extends Error {}

/** Jobs wait for whoever comes to look after the client has gone. */
function waitingGrid(): ScriptedGrid {
  const grid = new ScriptedGrid();
  grid.slots = 0;
  return grid;
}

/** A first client goes when its jobs are submitted. */
async function submitAndGo(grid: ScriptedGrid, points = 4) {
  const plan = await home.plan(points);
  const { slots } = grid;
  grid.slots = 0;
  const summary = await home.sweep(grid, plan, { settings: { leave: true } });
  grid.slots = slots;
  return { plan, summary };
}

describe('a client that is killed', () => {
  test('before its intent was written: the points are submitted by the next one, in another chunk', async () => {
    const plan = await home.plan(4);
    const chunk = join(home.out, 'grid/chunks/c0001');
    await home.sweep(new ScriptedGrid(), plan, { finish: AbortSignal.abort() });
    await mkdir(join(chunk, 'logs'), { recursive: true });
    await writeFile(join(chunk, gridFiles.element(0)), '{}');
    const grid = new ScriptedGrid();
    expect((await home.sweep(grid, plan)).counts).toEqual(allDone(4));
    expect(grid.jobs.map(({ chunk: folder }) => folder.slice(-5))).toEqual(['c0002', 'c0002']);
    expect(existsSync(join(chunk, gridFiles.over))).toBe(true);
  });

  test('after its intent was written, and before the grid heard of it: it is submitted under that name', async () => {
    const plan = await home.plan(4);
    const first = new ScriptedGrid();
    first.before = (what) => {
      if (what === 'submit') throw new Killed();
    };
    // Nothing of what it does after that is done.
    await expect(home.sweep(first, plan)).rejects.toThrow(Killed);
    await rm(join(home.out, 'grid/chunks/c0001/over'));
    const array = JSON.parse(await readFile(join(home.out, 'grid/chunks/c0001/array.json'), 'utf8')) as {
      name: string;
    };
    const grid = new ScriptedGrid();
    expect((await home.sweep(grid, plan)).counts).toEqual(allDone(4));
    expect(grid.submitted.map(({ name }) => name)).toEqual([array.name]);
    expect(home.record(3)).toMatchObject({ attempts: 1 });
  });

  test('after it was submitted, and before that was written down: it is found by its name', async () => {
    const grid = waitingGrid();
    const { plan } = await submitAndGo(grid);
    await rm(join(home.out, 'grid/chunks/c0001/submitted.json'));
    grid.slots = Infinity;
    expect((await home.sweep(grid, plan)).counts).toEqual(allDone(4));
    expect(grid.submitted).toHaveLength(1);
    expect(grid.cancelled).toEqual([]);
  });

  test('before the store knew of it: the attempt is counted all the same', async () => {
    const grid = waitingGrid();
    const { plan } = await submitAndGo(grid);
    await rm(join(home.out, 'store.db'));
    grid.slots = Infinity;
    expect((await home.sweep(grid, plan)).counts).toEqual(allDone(4));
    expect(grid.submitted).toHaveLength(1);
    expect(home.record(2)).toMatchObject({ attempts: 1 });
  });

  test('while its jobs wait and run: the next one goes on with them', async () => {
    const grid = new ScriptedGrid(async (job) => {
      if (job.number === 0) {
        await job.begin();
        await job.run(job.points[0]!);
        await job.beganPoint(job.points[1]!);
      } else await job.complete();
    });
    const { plan } = await submitAndGo(grid, 6);
    // One job works on while nobody looks.
    grid.slots = 1;
    await grid.poll([]);
    grid.slots = Infinity;
    const poll = grid.poll.bind(grid);
    grid.poll = async (jobs) => {
      const [running] = grid.jobs;
      if (running?.state?.state === 'running') {
        await running.publish(running.points[1]!);
        await running.endedPoint(running.points[1]!);
        await running.finish();
      }
      return poll(jobs);
    };
    const summary = await home.sweep(grid, plan);
    expect(summary).toMatchObject({ counts: allDone(6), kept: 1 });
    expect(grid.submitted).toHaveLength(1);
    expect(home.eventsOf('point-again')).toEqual([]);
    expect(await home.openChunks()).toEqual([]);
  });

  test('when all has ended: nothing is run again, and all is told', async () => {
    const grid = new ScriptedGrid();
    const { plan } = await submitAndGo(grid);
    await grid.poll([]);
    expect(await home.sweep(grid, plan)).toMatchObject({ counts: allDone(4), kept: 4 });
    expect(grid.submitted).toHaveLength(1);
    expect(await home.openChunks()).toEqual([]);
  });

  test('a point that was lost and submitted again is expected once, of its latest job', async () => {
    const grid = new ScriptedGrid(async (job) => {
      if (job.job !== '100') return job.complete();
      // The first point is lost at once, the second goes on.
      const lost = { state: 'lost', cause: 'panic', status: null } as const;
      await job.begin();
      await job.beganPoint(job.points[0]!);
      await job.endedPoint(job.points[0]!, lost, false);
      await job.beganPoint(job.points[1]!);
    });
    const stop = new AbortController();
    const plan = await home.plan(2);
    grid.afterSubmit = (_, job) => {
      if (job === '101') stop.abort();
    };
    await home.sweep(grid, plan, { finish: stop.signal });
    expect(await home.openChunks()).toEqual(['c0001', 'c0002']);
    const [first] = grid.jobs;
    const second = new ScriptedGrid((job) => job.complete());
    second.jobs.push(...grid.jobs);
    second.submitted.push(...grid.submitted);
    const poll = second.poll.bind(second);
    second.poll = async (jobs) => {
      if (first?.state?.state === 'running') {
        await first.publish(first.points[1]!);
        await first.endedPoint(first.points[1]!);
        await first.finish();
      }
      return poll(jobs);
    };
    expect((await home.sweep(second, plan)).counts).toEqual(allDone(2));
    expect(second.submitted).toHaveLength(2);
    expect(home.eventsOf('point-again')).toEqual([]);
    expect(home.record(0)).toMatchObject({ attempts: 2 });
  });
});

describe('a plan that has changed while jobs run', () => {
  test('what it has no more is not begun, and what it has anew is run', async () => {
    const grid = new ScriptedGrid();
    await submitAndGo(grid);
    const [pending, running] = grid.jobs as [ScriptedJob, ScriptedJob];
    await running.begin();
    await running.beganPoint(running.points[0]!);
    // Of the points 1 to 4, those of the first job are now others.
    const plan = await home.home.plan('  n: [7, 8, 3, 4]\n');
    const poll = grid.poll.bind(grid);
    grid.poll = async (jobs) => {
      if (running.state?.state === 'running') {
        await running.publish(running.points[0]!);
        await running.endedPoint(running.points[0]!);
        await running.run(running.points[1]!);
        await running.finish();
      }
      return poll(jobs);
    };
    grid.slots = Infinity;
    pending.begun = true;
    expect((await home.sweep(grid, plan)).counts).toEqual(allDone(4));
    expect(grid.cancelled).toEqual(['100_0']);
    expect(pending.isCancelled(0) && pending.isCancelled(1)).toBe(true);
    expect(running.isCancelled(2)).toBe(false);
    expect(await Promise.all([0, 1, 2, 3].map((index) => home.resultOf(index)))).toEqual([
      ...['101_0', '101_0', '100_1', '100_1'],
    ]);
    expect(await home.home.shortRows()).toEqual(['7', '8', '3', '4'].map((n) => `${n},fast,done,,0`));
  });
});

describe('a client that leaves', () => {
  test('when all is submitted; its jobs are counted', async () => {
    const grid = waitingGrid();
    const { summary } = await submitAndGo(grid, 7);
    expect(summary).toMatchObject({
      ...{ interrupted: false, counts: { pending: 7, done: 0 } },
      jobs: { engine: 'scripted', pending: 4, running: 0, nodes: 0, unsubmitted: 0 },
    });
    expect(await home.status()).toMatchObject({
      state: 'running',
      grid: { engine: 'scripted', pending: 4, running: 0, nodes: 0 },
    });
  });

  test('bundles so many that all fits', async () => {
    const grid = waitingGrid();
    grid.known = { elements: 3, jobs: 10 };
    const summary = await home.sweep(grid, await home.plan(100), {
      settings: { leave: true, bundle: undefined },
    });
    expect(summary.jobs).toMatchObject({ pending: 8, unsubmitted: 0 });
    expect(grid.jobs.flatMap(({ indices }) => indices)).toHaveLength(100);
  });

  test('says what did not fit', async () => {
    const grid = waitingGrid();
    grid.known = { elements: 3, jobs: 5 };
    const summary = await home.sweep(grid, await home.plan(20), { settings: { leave: true } });
    expect(summary.jobs).toMatchObject({ pending: 4, unsubmitted: 12 });
  });

  test('is asked to by the first Ctrl-C: its jobs go on', async () => {
    const grid = waitingGrid();
    const stop = new AbortController();
    grid.before = (what) => {
      if (what === 'poll') stop.abort();
    };
    const summary = await home.sweep(grid, await home.plan(4), { finish: stop.signal });
    expect(summary).toMatchObject({ interrupted: true, jobs: { pending: 2 } });
    expect(grid.cancelled).toEqual([]);
  });

  test('has a last job take in what all others have done', async () => {
    const grid = waitingGrid();
    const summary = ['/gva', 'sweep', 'status', home.out];
    await home.sweep(grid, await home.plan(4), { settings: { leave: true, summary } });
    const [, last] = grid.submitted;
    expect(last).toMatchObject({ elements: 1, command: summary, after: ['100'] });
    expect(await readdir(join(home.out, 'grid/summary'))).toEqual(['array.json']);
    // Whoever leaves next has one of his own; who cancels the sweep wants none.
    await home.sweep(grid, await home.plan(4), { settings: { leave: true, summary } });
    expect(grid.submitted).toHaveLength(3);
    expect(grid.cancelled).toEqual(['101_0']);
    await home.fold(grid, await home.plan(4), 'all');
    expect(grid.cancelled).toEqual(['101_0', '100_0', '100_1', '102_0']);
  });
});

describe('requests', () => {
  const cancel = (points: readonly number[] | 'all') => ({ request: 'cancel', points }) as const;

  test('to cancel the sweep: what waits and runs is ended, and confirmed', async () => {
    const grid = new ScriptedGrid(async (job) => {
      await job.begin();
      await job.beganPoint(job.points[0]!);
    });
    grid.slots = 1;
    const summary = await home.sweep(grid, await home.plan(6), {
      onEvent: ({ event }, coordinator) => {
        if (event !== 'point-started') return;
        grid.slots = 0;
        coordinator.take(cancel('all'));
      },
    });
    expect(summary).toMatchObject({ stopped: 'it was cancelled', counts: { pending: 6, done: 0 } });
    expect(grid.jobs.map(({ state }) => state?.end)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    // What had begun was cancelled; what had not is as it was.
    expect(home.states()).toEqual({ cancelled: [0] });
    expect(await home.status()).toMatchObject({ state: 'stopped', counts: { active: 0 } });
  });

  test('to cancel points: one that runs is ended, and its companions are run elsewhere', async () => {
    const grid = new ScriptedGrid(async (job) => {
      if (job.name !== '100_0') return job.complete();
      await job.begin();
      await job.beganPoint(job.points[0]!);
    });
    grid.slots = 1;
    const summary = await home.sweep(grid, await home.plan(6), {
      onEvent: (event, coordinator) => {
        if (event.event === 'point-started' && event.point.index === 0)
          coordinator.take(cancel([0, 3, 4, 5]));
      },
    });
    expect(summary.counts).toEqual({ pending: 4, done: 2, failed: 0, lost: 0 });
    expect(home.states()).toEqual({ cancelled: [0, 3, 4, 5], done: [1, 2] });
    expect(grid.jobs[0]?.state?.end).toBe('cancelled');
    expect(await home.resultOf(1)).toBe('101_0');
    // All of whose points are cancelled, it is not begun.
    expect(grid.cancelled).toContain('100_2');
    expect(home.eventsOf('note')).toEqual([]);
  });

  test('to try failed points again', async () => {
    let first = true;
    const grid = new ScriptedGrid(async (job) => {
      await job.begin();
      for (const point of job.points)
        await job.run(point, point.index === 0 && job.job === '100' ? 'failed' : 'done');
      // The last one waits until the request has come.
      if (job.number === 0 || !first) await job.finish();
      else setTimeout(() => void job.finish(), 50);
    });
    const summary = await home.sweep(grid, await home.plan(4), {
      onEvent: (event, coordinator) => {
        if (event.event !== 'point-ended' || event.outcome.state !== 'failed') return;
        first = false;
        coordinator.take({ request: 'retry', points: 'failed' });
      },
    });
    expect(summary.counts).toEqual(allDone(4));
    expect(home.record(0)).toMatchObject({ attempts: 2, state: 'done' });
  });
});
