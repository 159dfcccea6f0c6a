import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ElementEnd } from '../../src/grid/engine.js';
import { pointCheckpoint } from '../../src/system/paths.js';
import type { GridRun } from './grid-home.js';
import { GridHome } from './grid-home.js';
import { type Script, ScriptedGrid, type ScriptedJob } from './scripted-grid.js';

let home: GridHome;
beforeEach(async () => {
  home = await GridHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

/** The first job plays this; the others do well. */
const first =
  (script: Script): Script =>
  (job) =>
    job.job === '100' && job.number === 0 ? script(job) : job.complete(`m${job.number}`);

/** It is being run, and nothing is heard of it any more. */
async function beginTwo(job: ScriptedJob, node = 'n1'): Promise<void> {
  await job.begin(node);
  await job.beganPoint(job.points[0]!);
}

async function run(script: Script, options: GridRun & { points?: number; all?: boolean } = {}) {
  const { points = 4, all = false, ...rest } = options;
  const grid = new ScriptedGrid(all ? script : first(script));
  const plan = await home.plan(points);
  const summary = await home.sweep(grid, plan, { retry: { attempts: 2 }, ...rest });
  return { grid, summary, plan };
}

const again = () => home.eventsOf('point-again').map(({ point, outcome }) => [point.index, outcome.cause]);

describe('a job that ends without results', () => {
  const ends: [ElementEnd, string, string[]][] = [
    ['out-of-memory', 'out-of-memory', []],
    ['time-limit', 'time-limit', []],
    ['node-failed', 'node-failed', ['n1']],
    ['preempted', 'preempted', []],
    ['launch-failed', 'launch-failed', ['n1']],
    ['failed', 'worker-failed', []],
    ['completed', 'worker-failed', []],
  ];
  test.each(ends)('(%s): its points are run again as %s', async (end, cause, exclude) => {
    const { grid, summary } = await run(async (job) => {
      await beginTwo(job);
      job.end(end);
    });
    expect(summary.counts).toEqual({ pending: 0, done: 4, failed: 0, lost: 0 });
    expect(again().sort()).toEqual([
      [0, cause],
      [1, cause],
    ]);
    expect(grid.submitted).toHaveLength(2);
    expect(grid.submitted[1]).toMatchObject({ exclude });
    // One that may be the reason runs alone, and one that hardly is does not.
    const alone = grid.jobs.slice(2).map(({ indices }) => indices);
    expect(alone).toEqual(cause === 'preempted' ? [[0, 1]] : [[0], [1]]);
    expect(home.record(0)).toMatchObject({ attempts: 2, state: 'done' });
    expect(await home.openChunks()).toEqual([]);
  });

  test('that its own worker has ended for lack of time: the rest is run again', async () => {
    const { grid, summary } = await run(async (job) => {
      await job.begin();
      await job.run(job.points[0]!);
      await job.write({ record: 'stopped', signal: 'TIME' });
      job.end('failed', 'FAILED');
    });
    expect(summary.counts.done).toBe(4);
    expect(again()).toEqual([[1, 'out-of-time']]);
    expect(grid.jobs.at(-1)?.indices).toEqual([1]);
  });

  test('whose point was saved before its time was over: it goes on, as often as it takes', async () => {
    const spent = pointCheckpoint(home.out, 0);
    const saved: Script = async (job) => {
      if (Number(job.job) >= 104) return job.complete('n1');
      await mkdir(join(spent, `${job.job}_0-r0`), { recursive: true });
      await beginTwo(job);
      await job.write({ record: 'point-saved', point: 0, elapsed: 100, bytes: 1 });
      await job.write({ record: 'stopped', signal: 'TERM' });
      job.end('time-limit');
    };
    const { summary } = await run(saved, { all: true, settings: { time: 600 }, points: 1 });
    expect(summary.counts).toEqual({ pending: 0, done: 1, failed: 0, lost: 0 });
    expect(again()).toEqual(Array.from({ length: 4 }, () => [0, 'saved']));
    // Whoever published it was killed before that was removed.
    expect(existsSync(spent)).toBe(false);
  });

  test('that somebody has cancelled: its points are cancelled until somebody resumes', async () => {
    const { grid, summary, plan } = await run(async (job) => {
      await beginTwo(job);
      job.end('cancelled');
    });
    expect(summary.counts).toEqual({ pending: 2, done: 2, failed: 0, lost: 0 });
    expect(grid.submitted).toHaveLength(1);
    expect(home.states()).toEqual({ cancelled: [0, 1], done: [2, 3] });
    expect(home.eventsOf('note')).toMatchObject([
      { code: 'JOBS_CANCELLED', message: expect.stringContaining('2 of its points') as string },
    ]);
    expect(await home.status()).toMatchObject({ state: 'stopped' });
    expect((await home.sweep(new ScriptedGrid(), plan)).counts.done).toBe(4);
  });

  test('of which the grid speaks no more: accounting is asked, once', async () => {
    let recalls = 0;
    const grid = new ScriptedGrid(
      first(async (job) => {
        await beginTwo(job);
        job.state = undefined;
        job.remembered = { state: 'ended', end: 'out-of-memory', word: 'OUT_OF_MEMORY' };
      }),
    );
    grid.before = (what) => {
      if (what === 'recall') recalls++;
    };
    const growth = { memory: 2, time: 1 };
    const summary = await home.sweep(grid, await home.plan(4), { settings: { growth } });
    expect(summary.counts.done).toBe(4);
    expect(recalls).toBe(1);
    expect(again().map(([, cause]) => cause)).toEqual(['out-of-memory', 'out-of-memory']);
    const [memory, ...others] = grid.submitted.map(({ resources }) => resources.memory);
    // The point that had begun gets more, the other one does not.
    expect(others.sort((a, b) => a - b)).toEqual([memory, 2 * memory!]);
  });

  test('without a word of it anywhere: it has vanished', async () => {
    await run(async (job) => {
      await beginTwo(job);
      job.state = undefined;
    });
    expect(again().map(([, cause]) => cause)).toEqual(['vanished', 'vanished']);
  });
});

describe('what a job had too little of', () => {
  test('time grows by the factor that is allowed, for what had begun', async () => {
    const { grid, summary } = await run(
      async (job) => {
        await beginTwo(job);
        job.end('time-limit');
      },
      { settings: { time: 600, growth: { memory: 1, time: 1.5 } } },
    );
    expect(summary.counts.done).toBe(4);
    const times = grid.submitted.map(({ resources }) => resources.seconds);
    expect(times[0]).toBe(600);
    expect(times.slice(1).sort()).toEqual([600, 900]);
  });

  test('a point that had the job for itself is not tried for as long again', async () => {
    const { summary } = await run(
      async (job) => {
        await beginTwo(job);
        job.end('time-limit');
      },
      { settings: { bundle: 1 } },
    );
    expect(summary.counts).toEqual({ pending: 0, done: 3, failed: 0, lost: 1 });
    expect(home.record(0)?.message).toMatch(/the job came to its time limit.*give it more --time/);
  });

  test('what no node has by then is set aside, and nothing else', async () => {
    const grid = new ScriptedGrid(
      first(async (job) => {
        await beginTwo(job);
        job.end('out-of-memory');
      }),
    );
    const { GvaError } = await import('../../src/system/errors.js');
    grid.afterSubmit = ({ resources }) => {
      if (resources.memory <= grid.submitted[0]!.resources.memory) return;
      grid.jobs.splice(-1);
      throw new GvaError('GRID_REFUSED', 'Slurm refuses: Memory specification can not be satisfied');
    };
    const summary = await home.sweep(grid, await home.plan(4), {
      settings: { growth: { memory: 2, time: 1 } },
    });
    expect(summary.counts).toEqual({ pending: 0, done: 3, failed: 0, lost: 1 });
    expect(home.record(0)).toMatchObject({ state: 'lost', cause: 'GRID_REFUSED' });
  });

  test('a VMM that the kernel has killed for memory gets more of it', async () => {
    const { grid, summary } = await run(
      async (job) => {
        await job.begin();
        const [one, two] = job.points;
        await job.beganPoint(one!);
        const message = 'the VMM ended with status 137';
        const outcome = { state: 'lost', cause: 'vmm-failed', message, status: null } as const;
        await job.endedPoint(one!, outcome, false);
        await job.run(two!);
        await job.finish();
      },
      { settings: { growth: { memory: 1.5, time: 1 } } },
    );
    expect(summary.counts.done).toBe(4);
    const [before, after] = grid.submitted.map(({ resources }) => resources.memory);
    expect(after).toBe(1.5 * before!);
  });
});

describe('attempts', () => {
  const dies = async (job: ScriptedJob) => {
    if (!job.indices.includes(0)) return job.complete();
    await beginTwo(job);
    job.end('failed', 'FAILED', 'exit status 1');
  };

  test('a point that ends its job again and again is set aside, alone', async () => {
    const { grid, summary } = await run(dies, { all: true, retry: { attempts: 3 } });
    expect(summary.counts).toEqual({ pending: 0, done: 3, failed: 0, lost: 1 });
    expect(grid.jobs.filter(({ indices }) => indices.includes(0)).map(({ indices }) => indices)).toEqual([
      [0, 1],
      [0],
      [0],
    ]);
    expect(home.record(0)).toMatchObject({
      ...{ state: 'lost', cause: 'worker-failed', attempts: 3 },
      message:
        'the worker ended before its work was done (FAILED, exit status 1); set aside after 3 attempts',
    });
    // What was beside it is not blamed, and was begun once.
    expect(home.record(1)).toMatchObject({ state: 'done', attempts: 1 });
  });

  test('one whose application failed is final, and is run again where that is asked for', async () => {
    const failing = async (job: ScriptedJob) => {
      await job.begin();
      for (const point of job.points)
        await job.run(point, point.index === 0 && job.job === '100' ? 'failed' : 'done');
      await job.finish();
    };
    const { summary, plan } = await run(failing, { all: true });
    expect(summary.counts).toEqual({ pending: 0, done: 3, failed: 1, lost: 0 });
    expect(home.record(0)).toMatchObject({ state: 'failed', cause: 'script-status', attempts: 1 });
    // Another run of the sweep tries it anew: the old result is out of the way.
    const grid = new ScriptedGrid();
    expect((await home.sweep(grid, plan)).counts.done).toBe(4);
    expect(grid.jobs.map(({ indices }) => indices)).toEqual([[0]]);
    expect(home.record(0)).toMatchObject({ state: 'done', attempts: 2 });
    await rm(home.out, { recursive: true });
    const retried = await run(failing, { all: true, retry: { retryFailed: 1 } });
    expect(retried.summary.counts).toEqual({ pending: 0, done: 4, failed: 0, lost: 0 });
    expect(again()).toEqual([[0, 'script-status']]);
    expect(await home.resultOf(0)).toBe('101_0');
  });

  test('an instance that was lost is run again, and what its worker says is kept', async () => {
    const lost = { state: 'lost', cause: 'panic', message: 'it panicked', status: null } as const;
    const { summary } = await run(
      async (job) => {
        await job.begin();
        for (const point of job.points) {
          await job.beganPoint(point);
          if (point.index === 0) await job.endedPoint(point, lost, false);
          else {
            await job.publish(point);
            await job.endedPoint(point);
          }
        }
        await job.finish();
      },
      { all: true },
    );
    expect(summary.counts).toEqual({ pending: 0, done: 3, failed: 0, lost: 1 });
    expect(home.record(0)).toMatchObject({
      ...{ state: 'lost', cause: 'panic', attempts: 2 },
      message: 'it panicked; set aside after 2 attempts',
    });
    expect(home.eventsOf('point-ended').find(({ point }) => point.index === 0)?.outcome.state).toBe('lost');
  });

  test('so many lost ones that the sweep stops: what waits and runs is ended', async () => {
    const { parseFailureLimit } = await import('../../src/sweep/schedule/stop-conditions.js');
    const grid = new ScriptedGrid(async (job) => {
      // The second one runs on, and the others wait.
      if (job.number === 0) await dies(job);
      else if (job.number === 1) await beginTwo(job);
      else job.begun = false;
    });
    grid.slots = 2;
    const summary = await home.sweep(grid, await home.plan(8), {
      retry: { attempts: 1 },
      stop: { maxFailures: parseFailureLimit('1') },
    });
    expect(summary.stopped).toMatch(/failed or (?:are|were) lost|failed/);
    expect(summary.counts).toEqual({ pending: 7, done: 0, failed: 0, lost: 1 });
    expect(grid.cancelled).toEqual(expect.arrayContaining(['100_1', '100_2', '100_3']));
    expect(await home.openChunks()).toEqual([]);
  });
});
