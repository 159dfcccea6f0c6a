import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pointFolder } from '../../src/system/paths.js';
import { GridHome } from './grid-home.js';
import { ScriptedGrid, type ScriptedJob } from './scripted-grid.js';

let home: GridHome;
beforeEach(async () => {
  home = await GridHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

const allDone = (points: number) => ({ pending: 0, done: points, failed: 0, lost: 0 });

describe('results', () => {
  test('that come into sight late are waited for', async () => {
    const grid = new ScriptedGrid(async (job) => {
      await job.begin();
      for (const point of job.points) {
        await job.beganPoint(point);
        await job.endedPoint(point);
      }
      await job.finish();
    });
    let began = 0;
    const summary = await home.sweep(grid, await home.plan(3), {
      settings: { patience: 600, bundle: 1 },
      onEvent: ({ event }) => {
        if (event === 'point-started' && ++began === 3)
          setTimeout(() => void Promise.all(grid.jobs.map((job) => job.publish(job.points[0]!))), 30);
      },
    });
    expect(summary.counts).toEqual(allDone(3));
    expect(home.eventsOf('point-again')).toEqual([]);
  });

  test('that never come into sight: the point is run again', async () => {
    const grid = new ScriptedGrid(async (job) => {
      if (job.job !== '100') return job.complete();
      await job.begin();
      for (const point of job.points) {
        await job.beganPoint(point);
        await job.endedPoint(point);
      }
      await job.finish();
    });
    expect((await home.sweep(grid, await home.plan(2))).counts).toEqual(allDone(2));
    expect(home.eventsOf('point-again').map(({ outcome }) => outcome.message)).toEqual([
      'its result has not appeared',
      'its result has not appeared',
    ]);
    expect(await home.resultOf(1)).toMatch(/^101_/);
  });

  test('count where no line says so: of other identity they do not', async () => {
    const grid = new ScriptedGrid(async (job) => {
      if (job.job !== '100') return job.complete();
      await job.begin();
      const [right, wrong] = job.points;
      await job.beganPoint(right!);
      await job.publish(right!);
      await job.publish({ ...wrong!, identity: 'f'.repeat(64) });
      // Half a line, garbage, and a line of a later version.
      await writeFile(job.recordFile, '{"record":"point-ended","poi\n[]\n{"at":"","record":"danced"}\n{"at', {
        flag: 'a',
      });
      job.end('failed');
    });
    expect((await home.sweep(grid, await home.plan(2))).counts).toEqual(allDone(2));
    expect(home.eventsOf('point-again').map(({ point }) => point.index)).toEqual([1]);
    expect(await home.resultOf(0)).toBe('100_0');
  });

  test('a half line that is finished later counts then', async () => {
    const grid = new ScriptedGrid(async (job) => {
      await job.begin();
      const [point] = job.points;
      await job.publish(point!);
      const line = JSON.stringify({ at: new Date().toISOString(), record: 'point-known', point: 0 });
      await writeFile(job.recordFile, line.slice(0, 20), { flag: 'a' });
      setTimeout(() => {
        void writeFile(job.recordFile, `${line.slice(20)}\n`, { flag: 'a' }).then(() => job.finish());
      }, 30);
    });
    expect((await home.sweep(grid, await home.plan(1), { settings: { patience: 600 } })).counts.done).toBe(1);
  });

  test('two attempts finish the same point: the first one counts, once', async () => {
    let orphan: ScriptedJob | undefined;
    const grid = new ScriptedGrid(async (job) => {
      if (!orphan) {
        orphan = job;
        await job.begin();
        await job.beganPoint(job.points[0]!);
        job.end('node-failed');
        return;
      }
      // It has lived on, and is quicker.
      await orphan.publish(orphan.points[0]!);
      await orphan.endedPoint(orphan.points[0]!);
      await job.begin();
      await job.beganPoint(job.points[0]!);
      await job.endedPoint(job.points[0]!, {}, false);
      await job.finish();
    });
    expect((await home.sweep(grid, await home.plan(1))).counts).toEqual(allDone(1));
    expect(await home.resultOf(0)).toBe('100_0');
    expect(home.eventsOf('point-ended')).toHaveLength(1);
  });

  test('that a full file system has not taken blame nobody, and nothing is submitted for a while', async () => {
    const grid = new ScriptedGrid(async (job) => {
      if (job.job !== '100') return job.complete();
      await job.begin();
      await job.beganPoint(job.points[0]!);
      const cause = 'RESULT_UNSAVED: the results could not be saved';
      await job.endedPoint(job.points[0]!, { state: 'lost', cause, status: null, times: null }, false);
      const trouble = { code: 'SHARED_FOLDER_FULL', message: 'ENOSPC', avoidNode: false };
      await job.write({ record: 'trouble', ...trouble });
      job.end('failed');
    });
    const summary = await home.sweep(grid, await home.plan(2), { retry: { attempts: 1 } });
    expect(summary.counts).toEqual(allDone(2));
    expect(home.eventsOf('paused')).toMatchObject([
      { reason: 'the file system of the sweep is full: ENOSPC' },
    ]);
  });

  test('what a killed worker has half copied is removed when its job is over', async () => {
    const grid = new ScriptedGrid(async (job) => {
      if (job.job !== '100') return job.complete();
      await job.begin();
      await job.beganPoint(job.points[0]!);
      const place = pointFolder(job.sweep, 0).replace('0000000', '.0000000');
      await mkdir(`${place}-100_0.part`, { recursive: true });
      await mkdir(`${place}-99_0.part`, { recursive: true });
      job.end('node-failed');
    });
    const plan = await home.plan(1);
    await home.sweep(grid, plan);
    const names = () => readdir(join(home.out, 'points/0000'));
    // Of another job, nobody has spoken.
    expect((await names()).sort()).toEqual(['.0000000-99_0.part', '0000000']);
    await home.sweep(grid, plan);
    expect(await names()).toEqual(['0000000']);
  });
});
