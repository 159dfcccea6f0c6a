import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { takeRequests } from '../../src/sweep/requests.js';
import { rememberSweep } from '../../src/sweep/observe/registry.js';
import { eventually } from '../support/gva.js';
import { finishedStatus, runningStatus, writeSweep } from '../sweep/observe-fixture.js';
import { SweepPlace, sweep } from './sweep-command-fixture.js';

const place = new SweepPlace();
let folder: string;
beforeEach(() => {
  folder = place.folder;
});

describe('cancel and retry', () => {
  /** Writes the status as the sweep does: a command may look at any time. */
  async function publish(status: object): Promise<void> {
    await writeFile(join(folder, 'status.new'), JSON.stringify(status));
    await rename(join(folder, 'status.new'), join(folder, 'status.json'));
  }

  /** Plays the process that runs the sweep: takes what is asked for once, and says how it stands then. */
  async function answer(status: object, end: boolean): Promise<unknown[]> {
    let requests: unknown[] = [];
    await eventually(async () => (requests = await takeRequests(folder)).length > 0);
    await publish(status);
    if (end) await unlink(join(folder, '.lock-a'));
    return requests;
  }

  test('a sweep is asked to end, and waited for', async () => {
    await place.running();
    const asked = sweep(['cancel', folder]);
    expect(await answer({ ...finishedStatus, state: 'stopped' }, true)).toEqual([
      { request: 'cancel', points: 'all' },
    ]);
    expect(await asked).toMatchObject({ code: 0, stderr: `${folder}: stopped\n` });
  });

  test('points are asked to end, and waited for', async () => {
    await place.running();
    const asked = sweep(['cancel', folder, '8', '20-22']);
    const [request] = await answer({ ...runningStatus, running: [] }, false);
    expect(request).toEqual({ request: 'cancel', points: [8, 20, 21, 22] });
    // If the command's first look was the new status already, it waits for a still newer one.
    let waits = true;
    const newer = (async () => {
      while (waits) {
        await publish({ ...runningStatus, at: new Date().toISOString(), running: [] });
        await sleep(50);
      }
    })();
    expect(await asked).toMatchObject({ code: 0, stderr: '4 points cancelled\n' });
    waits = false;
    await newer;
  });

  test('a sweep that takes longer than one waits is said to run on', async () => {
    await place.running();
    const asked = sweep(['cancel', folder, '--wait', '0.2s']);
    await answer({ ...runningStatus, state: 'stopping' }, false);
    const { code, stderr } = await asked;
    expect(code).toBe(69);
    expect(stderr).toContain('has not ended within 0.20 s');
  });

  test('points are retried', async () => {
    await place.running();
    const asked = sweep(['retry', folder, '--failed', '--json']);
    expect(await answer(runningStatus, false)).toEqual([{ request: 'retry', points: 'failed' }]);
    expect(JSON.parse((await asked).stdout)).toEqual({ folder, request: 'retry', points: 'failed' });
    const some = sweep(['retry', folder, '7']);
    expect(await answer(runningStatus, false)).toEqual([{ request: 'retry', points: [7] }]);
    expect(await some).toMatchObject({ code: 0, stderr: 'asked for: 7\n' });
  });

  test.each([
    [['retry', 'DIR'], 'say which points'],
    [['retry', 'DIR', '7', '--lost'], 'say which points'],
    [['retry', 'DIR', '100'], 'there is no point 100'],
    [['cancel', 'DIR', '7-3'], 'is no number of a point'],
    [['cancel', 'DIR', '1e3'], 'is no number of a point'],
    [['cancel', 'DIR', '--wait', 'long'], 'is no duration'],
  ])('%j is refused', async (args, message) => {
    await place.running();
    const said = await sweep(args.map((word) => (word === 'DIR' ? folder : word)));
    expect(said).toMatchObject({ code: 2, stdout: '' });
    expect(said.stderr).toContain(message);
    expect(existsSync(join(folder, 'requests'))).toBe(false);
  });

  test('a sweep that does not run is not asked', async () => {
    await place.finished();
    expect((await sweep(['cancel', folder])).stderr).toContain('does not run: it is finished');
    const { code, stderr } = await sweep(['retry', folder, '--failed']);
    expect(code).toBe(2);
    expect(stderr).toContain(`gva sweep resume ${folder}`);
  });
});

describe('rm', () => {
  test('removes a sweep, and what was known of it', async () => {
    await place.finished();
    await rememberSweep('squares', folder);
    expect((await sweep(['rm', 'squares', '--force'])).code).toBe(0);
    expect(existsSync(folder)).toBe(false);
    expect((await sweep(['list', '--json'])).stdout).toBe('[]\n');
  });

  test('forgets a sweep whose folder is gone', async () => {
    await rememberSweep('old', folder);
    expect((await sweep(['rm', 'old'])).stderr).toContain('forgotten: old');
    expect(await sweep(['rm', 'old', '--force'])).toMatchObject({ code: 2 });
  });

  test('asks where it can, and refuses where it cannot', async () => {
    await place.finished();
    expect((await sweep(['rm', folder])).stderr).toContain('--force');
    await writeFile(join(folder, 'notes'), '');
    expect((await sweep(['rm', folder, '--force'])).stderr).toContain("not the sweep's: notes");
    expect(await readdir(folder)).toEqual(['notes']);
  });
});

describe('resume', () => {
  const options = { name: 'squares', vmm: 'auto', bootTimeout: '2m', jobs: '2' };

  test('is refused where the plan is gone or has changed, or the options are not known', async () => {
    await place.finished();
    expect((await sweep(['resume', folder])).stderr).toContain('of an earlier version');
    const plan = { file: join(place.parent, 'plan.csv'), text: 'n' };
    await writeSweep(folder, { 'sweep.json': { format: 'gva-sweep/1', plan, options } });
    expect((await sweep(['resume', folder])).stderr).toContain('the plan of the sweep is gone');
    await writeFile(plan.file, 'm\n1\n');
    await mkdir(join(place.parent, 'a/app'), { recursive: true });
    await writeFile(
      join(place.parent, 'a/gva.yaml'),
      'name: a\nrun: ./x\nparameters: { m: { type: int } }\n',
    );
    const saved = { ...options, appliance: join(place.parent, 'a') };
    await writeSweep(folder, { 'sweep.json': { format: 'gva-sweep/1', plan, options: saved } });
    const { code, stderr } = await sweep(['resume', folder]);
    expect(stderr).toContain('has changed since the sweep was run');
    expect(code).toBe(2);
    expect(await sweep(['resume', 'nowhere', '--detach'])).toMatchObject({ code: 2 });
  });
});

test('rebuild does what it is given to do', async () => {
  await place.finished();
  const rebuild = vi.fn(() => Promise.resolve(7));
  const { code, stdout } = await sweep(['rebuild', folder, '--json'], { rebuild });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ folder, results: 7 });
  expect(rebuild).toHaveBeenCalledWith(folder, expect.anything());
});
