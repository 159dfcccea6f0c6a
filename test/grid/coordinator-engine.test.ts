import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SubmissionUncertain } from '../../src/grid/engine.js';
import { GvaError } from '../../src/system/errors.js';
import { GridHome } from './grid-home.js';
import { ScriptedGrid, type ScriptedJob, silent } from './scripted-grid.js';

let home: GridHome;
beforeEach(async () => {
  home = await GridHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

const allDone = (points: number) => ({ pending: 0, done: points, failed: 0, lost: 0 });

describe('a submission that is not answered', () => {
  const unanswered = () => new SubmissionUncertain('Socket timed out');

  test('but has come to the grid is adopted', async () => {
    const grid = new ScriptedGrid();
    grid.afterSubmit = () => {
      throw unanswered();
    };
    expect((await home.sweep(grid, await home.plan(4))).counts).toEqual(allDone(4));
    expect(grid.submitted).toHaveLength(1);
    expect(home.record(0)).toMatchObject({ attempts: 1 });
  });

  test('and has not is repeated under the same name, after it was looked for three times', async () => {
    const grid = new ScriptedGrid();
    let finds = 0;
    let findsBefore = 0;
    grid.before = (what) => {
      if (what === 'find') finds++;
    };
    grid.afterSubmit = () => {
      if (grid.submitted.length > 1) {
        findsBefore = finds;
        return;
      }
      grid.jobs.splice(0);
      throw unanswered();
    };
    expect((await home.sweep(grid, await home.plan(4))).counts).toEqual(allDone(4));
    expect(grid.submitted).toHaveLength(2);
    expect(findsBefore).toBeGreaterThanOrEqual(3);
    expect(grid.submitted[1]?.name).toBe(grid.submitted[0]?.name);
    expect(home.record(0)).toMatchObject({ attempts: 1 });
  });

  test('and comes to the grid late: of the two, one is ended', async () => {
    const grid = new ScriptedGrid();
    let late: ScriptedJob[] = [];
    grid.afterSubmit = () => {
      if (grid.submitted.length === 1) {
        late = grid.jobs.splice(0);
        throw unanswered();
      }
      grid.jobs.unshift(...late);
      // Both run what there is to run.
    };
    expect((await home.sweep(grid, await home.plan(4))).counts).toEqual(allDone(4));
    expect(grid.cancelled.filter((name) => name.startsWith('100_'))).toEqual(['100_0', '100_1']);
    expect(grid.submitted).toHaveLength(2);
  });

  test('while it is looked for, nothing else is submitted', async () => {
    const grid = new ScriptedGrid();
    grid.known = { elements: 1, jobs: undefined };
    let open = 0;
    grid.before = (what) => {
      if (what === 'submit') expect(open).toBe(0);
      if (what === 'find') open = 0;
    };
    grid.afterSubmit = () => {
      open++;
      throw unanswered();
    };
    expect((await home.sweep(grid, await home.plan(6))).counts).toEqual(allDone(6));
    expect(grid.submitted).toHaveLength(3);
  });

  test('of a job that the grid has forgotten by now, but whose worker was heard', async () => {
    const grid = new ScriptedGrid();
    grid.afterSubmit = () => {
      throw unanswered();
    };
    grid.before = (what) => {
      if (what !== 'find') return;
      for (const job of grid.jobs) job.state = undefined;
    };
    // Workers were begun, and one of them was killed.
    const submit = grid.submit.bind(grid);
    grid.submit = async (array) => {
      const answer = submit(array);
      await answer.catch(() => undefined);
      for (const job of grid.jobs.filter(({ begun }) => !begun))
        if (job.name === '100_0') await job.begin();
        else await job.complete();
      return answer;
    };
    expect((await home.sweep(grid, await home.plan(4))).counts).toEqual(allDone(4));
    expect(grid.submitted).toHaveLength(2);
    expect(grid.submitted[1]?.name).not.toBe(grid.submitted[0]?.name);
  });
});

describe('a grid that does not answer', () => {
  test('changes nothing; what workers write counts meanwhile', async () => {
    let questions = 0;
    const grid = new ScriptedGrid(async (job) => {
      await job.begin();
      for (const point of job.points) await job.run(point);
      // The end of its record and its state come much later.
    });
    grid.before = (what) => {
      if (what !== 'poll') return;
      questions++;
      if (questions < 2 || questions > 5) return;
      throw silent();
    };
    const before = grid.poll.bind(grid);
    grid.poll = async (jobs) => {
      const states = await before(jobs);
      if (questions > 5) for (const job of grid.jobs) job.end('completed');
      return states;
    };
    expect((await home.sweep(grid, await home.plan(4))).counts).toEqual(allDone(4));
    expect(home.eventsOf('point-again')).toEqual([]);
    expect(home.eventsOf('paused')).toEqual([
      { event: 'paused', reason: 'the grid does not answer: squeue: it does not answer' },
    ]);
    expect(home.eventsOf('resumed')).toHaveLength(1);
    expect(grid.submitted).toHaveLength(1);
  });

  test.each(['GRID_FULL', 'GRID_SILENT'])('at a submission (%s) is asked again later', async (code) => {
    const grid = new ScriptedGrid();
    let times = 0;
    grid.before = (what) => {
      if (what === 'submit' && ++times < 3) throw new GvaError(code, 'not now');
    };
    expect((await home.sweep(grid, await home.plan(5))).counts).toEqual(allDone(5));
    expect(times).toBe(3);
    expect(home.eventsOf('paused')).toMatchObject([{ reason: 'not now' }, { reason: 'not now' }]);
    // What was taken back counts for no attempt, and nothing of it is left.
    expect(home.record(4)).toMatchObject({ attempts: 1 });
    expect(await home.openChunks()).toEqual([]);
  });

  test('that refuses ends the sweep with its own words', async () => {
    const grid = new ScriptedGrid();
    grid.before = (what) => {
      if (what === 'submit') throw new GvaError('GRID_REFUSED', 'Slurm refuses: invalid partition');
    };
    await expect(home.sweep(grid, await home.plan(2))).rejects.toMatchObject({ code: 'GRID_REFUSED' });
    expect(home.states()).toEqual({});
    expect(await home.status()).toMatchObject({
      ...{ state: 'stopped', reason: 'Slurm refuses: invalid partition' },
      counts: { pending: 2 },
    });
  });

  test('that has no node but those that have failed gets them back', async () => {
    const grid = new ScriptedGrid(async (job) => {
      if (job.job !== '100') return job.complete();
      await job.begin('n1');
      job.end('node-failed');
    });
    grid.before = (what) => {
      if (what === 'submit' && (grid.submitted.length === 1 || grid.submitted.length === 2))
        refuse(grid.excludes);
    };
    const refuse = (excludes: readonly string[]) => {
      if (excludes.length > 0) throw new GvaError('GRID_REFUSED', 'Requested node configuration');
    };
    expect((await home.sweep(grid, await home.plan(2))).counts).toEqual(allDone(2));
    expect(grid.submitted.at(-1)?.exclude).toEqual([]);
  });
});

describe('nodes', () => {
  const unfit = async (job: ScriptedJob, node: string) => {
    await job.begin(node);
    await job.write({
      record: 'trouble',
      code: 'VMM_MISSING',
      message: `no QEMU on ${node}`,
      avoidNode: true,
    });
    job.end('failed', 'FAILED', 'exit status 69');
  };

  test('that cannot run instances are avoided, and points are not blamed', async () => {
    const grid = new ScriptedGrid((job) => (job.name === '100_1' ? unfit(job, 'bad') : job.complete()));
    expect((await home.sweep(grid, await home.plan(6), { retry: { attempts: 1 } })).counts).toEqual(
      allDone(6),
    );
    expect(grid.submitted.map(({ exclude }) => exclude)).toEqual([[], ['bad']]);
    expect(grid.jobs.at(-1)?.indices).toEqual([2, 3]);
  });

  test('three of them stop the sweep, and what waits is ended', async () => {
    const grid = new ScriptedGrid((job) =>
      job.number === 0 ? job.complete() : unfit(job, `bad${job.number}`),
    );
    grid.slots = 4;
    const poll = grid.poll.bind(grid);
    grid.poll = async (jobs) => {
      const states = await poll(jobs);
      grid.slots = 0;
      return states;
    };
    await expect(home.sweep(grid, await home.plan(12))).rejects.toMatchObject({
      code: 'SWEEP_STOPPED',
      message: expect.stringMatching(/^3 nodes cannot run instances: .*no QEMU on bad\d/) as string,
    });
    expect(grid.submitted).toHaveLength(1);
    expect(grid.cancelled).toEqual(expect.arrayContaining(['100_4', '100_5']));
    expect(await home.openChunks()).toEqual([]);
    expect(home.states()).toEqual({ done: [0, 1] });
  });

  test('that only failed do not stop it', async () => {
    const grid = new ScriptedGrid(async (job) => {
      if (job.job !== '100' || job.number === 0) return job.complete();
      await job.begin(`n${job.number}`);
      job.end('node-failed');
    });
    expect((await home.sweep(grid, await home.plan(12))).counts).toEqual(allDone(12));
    expect(grid.submitted[1]?.exclude).toEqual(['n1', 'n2', 'n3', 'n4', 'n5']);
  });

  test('of which no job gets as far as a point: it stops, and says where to look', async () => {
    const grid = new ScriptedGrid((job) => {
      job.state = { state: 'running', word: 'RUNNING', node: 'n1' };
      job.end('failed', 'FAILED', 'exit status 127');
    });
    await expect(home.sweep(grid, await home.plan(20))).rejects.toMatchObject({
      code: 'SWEEP_STOPPED',
      message: expect.stringContaining('exit status 127') as string,
      hint: expect.stringContaining('/logs/e') as string,
    });
    expect(grid.submitted).toHaveLength(1);
  });
});

describe('a file system that fails this client', () => {
  test('for a moment, by being full: points are not lost', async () => {
    const grid = new ScriptedGrid();
    const plan = await home.plan(4);
    let times = 0;
    grid.before = (what) => {
      if (what === 'submit' && ++times === 1)
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    };
    expect((await home.sweep(grid, plan)).counts).toEqual(allDone(4));
    expect(times).toBe(2);
    expect(home.eventsOf('paused')).toMatchObject([{ reason: expect.stringContaining('ENOSPC') as string }]);
  });
});

test('a controller that is killed forgets an array, and gives its number to the next one', async () => {
  const grid = new ScriptedGrid();
  grid.known = { elements: 1, jobs: undefined };
  grid.afterSubmit = (array) => {
    if (grid.submitted.length > 1) return;
    grid.jobs.splice(0);
    grid.nextNumber = 100;
    expect(array.elements).toBe(1);
  };
  expect((await home.sweep(grid, await home.plan(4))).counts).toEqual(allDone(4));
  const numbers = grid.jobs.map(({ job }) => job);
  expect(numbers).toEqual(['100', '101']);
  // The first array's points were submitted once more, and nobody was ended for them.
  expect(new Set(grid.submitted.map(({ name }) => name)).size).toBe(3);
  expect(grid.cancelled).toEqual([]);
});
