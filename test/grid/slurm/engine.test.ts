import { describe, expect, it } from 'vitest';
import { SlurmEngine } from '../../../src/grid/slurm/engine.js';
import type { ProgramEnd, RunProgram } from '../../../src/grid/slurm/program.js';
import { runSlurm, slurmEnvironment } from '../../../src/grid/slurm/program.js';
import { temporaryFolder } from '../../support/gva.js';
import { arrayOf, never } from '../contract.js';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const good = (stdout = ''): ProgramEnd => ({ status: 0, stdout, said: '', timedOut: false });
const bad = (said: string, status = 1): ProgramEnd => ({ status, stdout: '', said, timedOut: false });
const killed: ProgramEnd = { ...bad(''), status: undefined };

/** An engine whose commands end so, with what was asked of them. */
function engineOf(ends: Partial<Record<string, ProgramEnd>>) {
  const asked: string[] = [];
  const run: RunProgram = (name, args) => {
    asked.push([name, ...args].join(' '));
    return Promise.resolve(ends[name] ?? bad(`no ${name} here`));
  };
  return { engine: new SlurmEngine(run), asked };
}

const config = (lines: string) => good(`Configuration data as of 2026-11-22\n${lines}\n`);
const array = arrayOf('/logs', 'exit 0');
const seven = { job: '7', name: 'a' };

describe('what a submission came to', () => {
  const submitting = (end: ProgramEnd) =>
    engineOf({ sbatch: end })
      .engine.submit(array, never)
      .catch((error: unknown) => error);

  it('submitted', async () => {
    expect(await submitting(good('17\n'))).toBe('17');
    expect(await submitting(good('17;big\n'))).toBe('17;big');
    expect(await submitting(good('Submitted batch job 17\n'))).toBe('17');
    expect(await submitting(good('welcome to the cluster\n17\n'))).toBe('17');
  });

  const failed = 'sbatch: error: Batch job submission failed:';
  it.each([
    [`${failed} Invalid partition name specified`, 'GRID_REFUSED', '--partition'],
    [`${failed} Invalid account or account/partition combination specified`, 'GRID_REFUSED', '--account'],
    [`${failed} Requested time limit is invalid (missing or exceeds some limit)`, 'GRID_REFUSED', '--time'],
    [`sbatch: error: Memory specification can not be satisfied`, 'GRID_REFUSED', 'memory'],
    [`${failed} Invalid qos specification`, 'GRID_REFUSED', '--qos'],
    [`${failed} Invalid feature specification`, 'GRID_REFUSED', '--constraint'],
    [`${failed} Invalid node name specified`, 'GRID_REFUSED', 'node'],
    [`${failed} Invalid job array specification`, 'GRID_REFUSED', 'MaxArraySize'],
    [`sbatch: unrecognized option '--nonsense'`, 'GRID_REFUSED', undefined],
    [`${failed} Resource temporarily unavailable`, 'GRID_FULL', undefined],
    [
      `sbatch: error: QOSMaxSubmitJobPerUserLimit; ${failed} Job violates accounting/QOS policy`,
      'GRID_FULL',
      undefined,
    ],
    [`${failed} Unable to contact slurm controller (connect failure)`, 'GRID_SILENT', 'controller'],
    [`${failed} Socket timed out on send/recv operation`, 'GRID_UNCERTAIN', undefined],
    [`${failed} Zero Bytes were transmitted or received`, 'GRID_UNCERTAIN', undefined],
    ['sbatch: fatal: Unable to process configuration file', 'GRID_MISSING', '--grid local'],
  ])('%s: %s', async (said, code, hint) => {
    const error = await submitting(bad(said));
    expect(error).toMatchObject({ code });
    expect(String(error)).toContain(said);
    if (hint === undefined) expect(error).toMatchObject({ hint: undefined });
    else expect((error as { hint: string }).hint).toContain(hint);
  });

  it('an sbatch that was killed, or said nothing that can be read, is uncertain', async () => {
    for (const end of [killed, { ...killed, timedOut: true }, good('hello'), good('')])
      expect(await submitting(end)).toMatchObject({ code: 'GRID_UNCERTAIN' });
  });

  it('who takes back their wish while sbatch runs does not know', async () => {
    const wish = new AbortController();
    const run: RunProgram = () => {
      wish.abort(new Error('enough'));
      return Promise.reject(new Error('enough'));
    };
    const error = await new SlurmEngine(run).submit(array, wish.signal).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'GRID_UNCERTAIN',
      cause: expect.objectContaining({ message: 'enough' }) as Error,
    });
  });

  it('a refusal says which defaults were not taken', async () => {
    process.env['SBATCH_ACCOUNT'] = 'mine';
    const error = await submitting(bad(`${failed} Invalid account`));
    delete process.env['SBATCH_ACCOUNT'];
    expect((error as { hint: string }).hint).toContain('SBATCH_ACCOUNT');
  });
});

describe('limits', () => {
  const limits = (lines: string, ends: Partial<Record<string, ProgramEnd>> = {}) =>
    engineOf({ scontrol: config(lines), ...ends }).engine.limits(never);

  it('by the configuration', async () => {
    const lines = 'MaxArraySize            = 1001\nMaxJobCount             = 10000';
    expect(await limits(lines)).toEqual({ elements: 1001, jobs: 10_000 });
    expect(await limits(`${lines}\nSchedulerParameters = bf_interval=5,max_array_tasks=300`)).toEqual({
      ...{ elements: 300, jobs: 10_000 },
    });
    expect(await limits('')).toEqual({ elements: 1, jobs: undefined });
  });

  it('by the associations of the user, where there are any', async () => {
    const lines =
      'MaxArraySize = 1001\nMaxJobCount = 10000\nAccountingStorageType = accounting_storage/slurmdbd';
    expect(await limits(lines, { sacctmgr: good('|\n500|\n700|400\n') })).toMatchObject({ jobs: 400 });
    expect(await limits(lines, { sacctmgr: good('|\n') })).toMatchObject({ jobs: 10_000 });
    expect(await limits(lines, { sacctmgr: bad('down') })).toMatchObject({ jobs: 10_000 });
  });
});

describe('queries', () => {
  it('one for all arrays, however many', async () => {
    const { engine, asked } = engineOf({
      squeue: good('7|0-9|0|PENDING||None|a\n8|0|0|RUNNING|n1|None|b\n'),
    });
    const arrays = [seven, { job: '8', name: 'b' }, { job: '9', name: 'c' }];
    expect(await engine.poll(arrays, never)).toHaveLength(11);
    expect(asked).toHaveLength(1);
    expect(await engine.poll([], never)).toEqual([]);
    expect(asked).toHaveLength(1);
  });

  it('a query that fails says so, and says nothing of elements', async () => {
    const down = bad('slurm_load_jobs error: Unable to contact slurm controller (connect failure)');
    const { engine } = engineOf({ squeue: down, scancel: down, scontrol: down });
    const silent = { code: 'GRID_SILENT', message: expect.stringContaining('Unable to contact') as string };
    await expect(engine.poll([seven], never)).rejects.toMatchObject(silent);
    await expect(engine.find('gva-a', never)).rejects.toMatchObject(silent);
    await expect(engine.cancel(seven, [1], never)).rejects.toMatchObject(silent);
    await expect(engine.limits(never)).rejects.toMatchObject(silent);
    await expect(engine.recall([seven], never)).rejects.toMatchObject(silent);
  });

  it('accounting is asked only where there is any, and may fail', async () => {
    const without = engineOf({
      squeue: good(''),
      scontrol: config('AccountingStorageType = accounting_storage/none'),
    });
    expect(await without.engine.find('gva-a', never)).toEqual([]);
    expect(await without.engine.recall([seven], never)).toEqual([]);
    expect(without.asked.filter((line) => line.startsWith('sacct'))).toEqual([]);
    const slurmdbd = config('AccountingStorageType = accounting_storage/slurmdbd');
    const sacct = good('12_0|gva-a\n12_1|gva-a\n11_[0-3]|gva-a\n13|gva-ab\n');
    const { engine } = engineOf({ squeue: good(''), scontrol: slurmdbd, sacct });
    expect(await engine.find('gva-a', never)).toEqual(['11', '12']);
    const down = engineOf({ squeue: good(''), scontrol: slurmdbd, sacct: bad('no slurmdbd') });
    expect(await down.engine.find('gva-a', never)).toEqual([]);
    expect(await down.engine.recall([seven], never)).toEqual([]);
  });
});

describe('ending', () => {
  it('an array, or some of it', async () => {
    const squeue = good('7|a\nCLUSTER: big\n7|a\n');
    const { engine, asked } = engineOf({ scancel: good(), squeue });
    await engine.cancel(seven, undefined, never);
    await engine.cancel({ ...seven, job: '7;big' }, [3, 1, 2, 9], never);
    await engine.cancel(seven, [], never);
    expect(asked.filter((line) => line.startsWith('scancel'))).toEqual([
      'scancel 7',
      'scancel --clusters=big 7_[1-3,9]',
    ]);
  });

  it('nothing, where the number is that of another array by now', async () => {
    const { engine, asked } = engineOf({ scancel: good(), squeue: good('7|b\n8|a\n') });
    await engine.cancel(seven, undefined, never);
    await engine.cancel(seven, [1], never);
    expect(asked.filter((line) => line.startsWith('scancel'))).toEqual([]);
  });

  it('many elements, in commands that Linux takes', async () => {
    const { engine, asked } = engineOf({ scancel: good(), squeue: good('7|a\n') });
    const odd = Array.from({ length: 20_000 }, (_, index) => 2 * index + 1);
    await engine.cancel(seven, odd, never);
    expect(asked.length).toBeGreaterThan(1);
    expect(Math.max(...asked.map((line) => line.length))).toBeLessThan(70_000);
    const named = asked.flatMap((line) => /^scancel 7_\[(.*)\]$/.exec(line)?.[1]?.split(',') ?? []);
    expect(named.map(Number)).toEqual(odd);
  });

  it('of what has ended nothing is said, of all else something', async () => {
    const ended = 'scancel: error: Kill job error on job id 7_1: Job/step already completing or completed';
    await engineOf({ squeue: good('7|a\n'), scancel: bad(`${ended}; ${ended}`) }).engine.cancel(
      seven,
      [1],
      never,
    );
    const denied = 'scancel: error: Kill job error on job id 7: Access/permission denied';
    await expect(
      engineOf({ squeue: good('7|a\n'), scancel: bad(`${ended}; ${denied}`) }).engine.cancel(
        seven,
        [1],
        never,
      ),
    ).rejects.toThrow('denied');
    await expect(
      engineOf({ squeue: good('7|a\n'), scancel: killed }).engine.cancel(seven, [1], never),
    ).rejects.toThrow('scancel');
  });
});

describe("Slurm's commands", () => {
  it('get what they need to find the cluster, and no options of somebody', () => {
    const environment = {
      ...{
        PATH: '/bin',
        HOME: '/home/u',
        SLURM_CONF: '/c',
        SLURM_CLUSTERS: 'big',
        SLURM_JWT: 't',
        GVA_X: 'x',
      },
      ...{
        SLURM_JOB_ID: '7',
        SBATCH_PARTITION: 'p',
        SQUEUE_FORMAT: 'f',
        SLURM_TIME_FORMAT: 'x',
        SCANCEL_STATE: 's',
      },
    };
    expect(slurmEnvironment(environment)).toEqual({
      ...{
        PATH: '/bin',
        HOME: '/home/u',
        SLURM_CONF: '/c',
        SLURM_CLUSTERS: 'big',
        SLURM_JWT: 't',
        GVA_X: 'x',
      },
      LC_ALL: 'C',
    });
  });

  async function withProgram<T>(script: string, use: () => Promise<T>): Promise<T> {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'squeue'), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder.path, 'squeue'), 0o755);
    const path = process.env['PATH'];
    process.env['PATH'] = `${folder.path}:/usr/bin:/bin`;
    try {
      return await use();
    } finally {
      process.env['PATH'] = path;
    }
  }

  it('their ends', async () => {
    const run = (seconds = 60, input?: string) =>
      runSlurm('squeue', ['a b'], {
        seconds,
        signal: never,
        env: { X: 'x' },
        ...(input === undefined ? {} : { input }),
      });
    expect(await withProgram('echo "$1 $X"; cat', () => run(60, 'input'))).toEqual(good('a b x\ninput'));
    expect(await withProgram('echo " squeue: error: one" >&2; echo >&2; echo two >&2; exit 3', run)).toEqual(
      bad('one; two', 3),
    );
    expect(await withProgram('kill -KILL $$', run)).toEqual(killed);
    expect(await withProgram('exec sleep 300', () => run(0.2))).toEqual({ ...killed, timedOut: true });
    // It need not read what it is given.
    expect(await withProgram('exit 0', () => run(60, 'x'.repeat(1 << 20)))).toEqual(good());
  });

  it('one that is missing, and a wish taken back', async () => {
    await using empty = await temporaryFolder();
    const path = process.env['PATH'];
    process.env['PATH'] = empty.path;
    const missing = await new SlurmEngine().poll([seven], never).catch((error: unknown) => error);
    process.env['PATH'] = path;
    expect(missing).toMatchObject({ code: 'GRID_MISSING' });
    const wish = new AbortController();
    const asked = withProgram('exec sleep 300', () => {
      setTimeout(() => wish.abort(new Error('enough')), 50);
      return runSlurm('squeue', [], { seconds: 60, signal: wish.signal });
    });
    await expect(asked).rejects.toThrow('enough');
    await expect(runSlurm('squeue', [], { seconds: 60, signal: wish.signal })).rejects.toThrow('enough');
  });
});
