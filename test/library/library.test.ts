import { existsSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareAppliance } from '../../src/instance/prepare.js';
import { loadAppliance } from '../../src/library/appliance.js';
import type { openAppliance } from '../../src/library/open-appliance.js';
import { readResults } from '../../src/library/results.js';
import { type RunOptions, runWith } from '../../src/library/run.js';
import { type SweepOptions, sweepWith } from '../../src/library/sweep.js';
import type { SweepPlan } from '../../src/library/plan.js';
import type { SweepEvent } from '../../src/model/sweep.js';
import { readSavedRun } from '../../src/sweep/observe/saved-options.js';
import { GvaError } from '../../src/system/errors.js';
import { doneScript } from '../../src/vmm/fake/driver.js';
import {
  type TestHome,
  fakeBase,
  fakeVmm,
  makeTestHome,
  squareManifest,
  writeAppliance,
} from '../support/fake-appliance.js';
import { endedWith, readN, started } from '../sweep/sweep-home.js';

// The library with a guest that a shell script plays; with real guests: test/vm/library.test.ts.

let home: TestHome;
let square: string;
beforeEach(async () => {
  home = await makeTestHome();
  square = await writeAppliance(home.folder, squareManifest);
});
afterEach(() => home[Symbol.asyncDispose]());

const opening =
  (script: string): typeof openAppliance =>
  async (source) => {
    if (source.kind !== 'folder') throw new Error('it is a folder');
    return { prepared: await prepareAppliance(source, fakeBase()), vmm: fakeVmm(script) };
  };
const out = () => join(home.folder, 'out');
const run = (options: Partial<RunOptions> = {}, script = doneScript) =>
  runWith(opening(script), square, { out: out(), parameters: { n: 3 }, ...options });
const sweep = (options: Partial<SweepOptions> = {}, script = doneScript, plan: Partial<SweepPlan> = {}) =>
  sweepWith(
    opening(script),
    { appliance: square, parameters: { n: { range: [1, 4] } }, ...plan },
    { out: out(), jobs: 2, attempts: 1, cache: false, ...options },
  );

/** Says nothing, and never ends by itself. */
const hanging = `${started}sleep 600\n`;
/** Its exit status is 1 where n is 2. */
const failsAtTwo = `${readN}${started}s=0; [ "$n" != 2 ] || s=1\n${endedWith('$s').replaceAll("'", '"')}`;

describe('loadAppliance', () => {
  it('says what the appliance is, and keeps its command lines to itself', async () => {
    const appliance = await loadAppliance(square);
    expect(appliance).toEqual({
      ...{ name: 'square', version: '1.2.3', base: 'micro', path: square, kind: 'folder' },
      hardware: { cpus: 1, memory: 256 << 20 },
      parameters: [
        { name: 'n', type: 'int' },
        { name: 'mode', type: 'string', default: 'fast' },
      ],
      output: { size: 1 << 20 },
    });
  });

  it('rejects with an error for people, or with the reason of its signal', async () => {
    await expect(loadAppliance('/nowhere')).rejects.toMatchObject({ code: 'APPLIANCE_MISSING' });
    const signal = AbortSignal.abort(new Error('not now'));
    await expect(loadAppliance(square, { signal })).rejects.toThrow('not now');
  });
});

describe('run', () => {
  it('gives the events to who iterates, and the result', async () => {
    const running = run();
    const names: string[] = [];
    for await (const event of running) names.push(event.event === 'guest' ? event.name : event.event);
    expect(names).toEqual([
      ...['staged', 'boot', 'ready', 'script-start', 'script-end', 'done'],
      ...['powered-off', 'collected', 'ended'],
    ]);
    const result = await running.result;
    expect(result).toMatchObject({ state: 'done', parameters: { n: 3, mode: 'fast' } });
    expect(JSON.parse(await readFile(join(out(), 'result.json'), 'utf8'))).toEqual(result);
  });

  it('needs nobody who iterates, keeps what happened for the first who does, and may be left', async () => {
    const running = run();
    await running.result;
    for await (const event of running) {
      expect(event.event).toBe('staged');
      break;
    }
    const late: unknown[] = [];
    for await (const event of running) late.push(event);
    expect(late).toEqual([]);
  });

  it('takes values of their types, and files, and tells all that is wrong at once', async () => {
    const file = join(home.folder, 'table');
    await writeFile(file, 'x');
    const files = [file, { path: file, name: 'other' }];
    const { files: told } = await run({ files }).result;
    expect(told.map(({ name }) => name)).toEqual(['table', 'other']);
    const wrong = run({ parameters: { n: '3', m: 1 }, force: true }).result;
    await expect(wrong).rejects.toThrow(
      'square has no parameter "m"\nparameter n must be an integer, not "3"',
    );
    await expect(wrong).rejects.toBeInstanceOf(GvaError);
  });

  it('throws in the loop what keeps it from running, and does not trouble the process with it again', async () => {
    const running = run({ parameters: {} });
    await expect(async () => {
      for await (const event of running) expect(event).toBeUndefined();
    }).rejects.toMatchObject({ code: 'PARAMETER' });
  });

  it('is ended by its signal: it rejects with its reason, and nothing is published', async () => {
    const controller = new AbortController();
    const running = run({ signal: controller.signal }, hanging);
    await expect(async () => {
      for await (const event of running)
        if (event.event === 'guest' && event.name === 'script-start')
          controller.abort(new Error('seen enough'));
    }).rejects.toThrow('seen enough');
    await expect(running.result).rejects.toThrow('seen enough');
    expect(existsSync(out())).toBe(false);
    expect(await readdir(home.scratch)).toEqual([]);
  });

  it('is ended when the block is left that uses it', async () => {
    let result: Promise<unknown>;
    {
      await using running = run({}, hanging);
      ({ result } = running);
      result.catch(() => undefined);
      for await (const event of running) if (event.event === 'guest') break;
    }
    await expect(result).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await readdir(home.scratch)).toEqual([]);
  });
});

describe('sweep', () => {
  it('runs a plan that is an object, tells what happens, and leaves a table that is read as rows', async () => {
    const running = sweep({}, failsAtTwo);
    const ended: string[] = [];
    for await (const event of running)
      if (event.event === 'point-ended')
        ended.push(`${String(event.point.parameters['n'])} ${event.outcome.state}`);
    expect(ended.sort()).toEqual(['1 done', '2 failed', '3 done', '4 done']);
    expect(await running.result).toMatchObject({ counts: { done: 3, failed: 1 }, interrupted: false });
    const rows: unknown[] = [];
    for await (const { gva_point, n, mode, gva_state } of readResults(out()))
      rows.push([gva_point, n, mode, gva_state]);
    expect(rows).toEqual([
      [0, 1, 'fast', 'done'],
      [1, 2, 'fast', 'failed'],
      [2, 3, 'fast', 'done'],
      [3, 4, 'fast', 'done'],
    ]);
  });

  it('goes on where it ended, and so can the commands: plan and options are in its folder', async () => {
    await sweep({ jobs: 3, timeout: 90, name: 'four' }, failsAtTwo).result;
    const saved = await readSavedRun(out());
    expect(saved).toMatchObject({
      plan: { file: join(out(), 'plan.yaml') },
      options: { name: 'four', jobs: '3', timeout: '90s', bootTimeout: '120s', cache: false },
    });
    expect(await readFile(join(out(), 'plan.yaml'), 'utf8')).toBe(saved?.plan.text);
    expect(await sweep().result).toMatchObject({ kept: 3, counts: { done: 4 } });
  });

  it('takes points as they are, conditions, and files of this folder', async () => {
    await writeFile(join(home.folder, 'table'), 'x');
    const points = [
      { n: 1, mode: 'a' },
      { n: 2, mode: 'b' },
    ];
    const plan = { points, where: 'n != 1', files: [join(home.folder, 'table')] };
    const { result } = sweepWith(opening(doneScript), { appliance: square, ...plan }, { out: out() });
    expect(await result).toMatchObject({ points: 1, counts: { done: 1 } });
  });

  it('tells a mistake in the plan by its place', async () => {
    const { result } = sweep({}, doneScript, { parameters: { m: [1] } });
    await expect(result).rejects.toMatchObject({ code: 'PLAN_INVALID' });
    await expect(result).rejects.toThrow('square has no such parameter');
  });

  it('takes a plan file, too', async () => {
    await writeFile(join(home.folder, 'plan.yaml'), 'appliance: ./square\nparameters: { n: [5] }\n');
    const { result } = sweepWith(opening(doneScript), join(home.folder, 'plan.yaml'), { out: out() });
    expect(await result).toMatchObject({ points: 1, counts: { done: 1 } });
    expect(existsSync(join(out(), 'plan.yaml'))).toBe(false);
  });

  it('finishes what runs and begins nothing more, when asked gently', async () => {
    const finish = new AbortController();
    const running = sweep({ jobs: 1, finish: finish.signal });
    for await (const event of running) if (event.event === 'point-started') finish.abort();
    expect(await running.result).toMatchObject({ interrupted: true, counts: { done: 1, pending: 3 } });
  });

  it('is ended by its signal, and keeps what is done', async () => {
    const controller = new AbortController();
    const script = `${readN}[ "$n" = 1 ] || { ${hanging} }\n${doneScript}`;
    const running = sweep({ jobs: 1, signal: controller.signal }, script);
    const seen: SweepEvent[] = [];
    await expect(async () => {
      for await (const event of running) {
        seen.push(event);
        if (event.event === 'point-started' && event.point.index === 1) controller.abort(new Error('enough'));
      }
    }).rejects.toThrow('enough');
    expect(seen.filter(({ event }) => event === 'point-ended').length).toBeGreaterThan(0);
    expect(await sweep().result).toMatchObject({ kept: 1, counts: { done: 4 } });
  });
});
