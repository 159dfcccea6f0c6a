import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobArray } from '../../src/grid/engine.js';
import { SlurmEngine } from '../../src/grid/slurm/engine.js';
import { arrayOf, endsOf, gridContract, never, sent } from '../grid/contract.js';
import { eventually, temporaryFolder } from '../support/gva.js';
import {
  type ClusterOptions,
  type SlurmCluster,
  needsSlurm,
  startCluster,
  withoutSlurm,
} from '../support/slurm-cluster.js';

/** A cluster for the tests beside it, which the engine's commands find as those of a person at a login node do. */
function withCluster(options: ClusterOptions): { readonly cluster: () => SlurmCluster } {
  let cluster: SlurmCluster;
  let before: string | undefined;
  beforeAll(async () => {
    cluster = await startCluster(options);
    before = process.env['SLURM_CONF'];
    process.env['SLURM_CONF'] = cluster.env.SLURM_CONF;
  });
  afterAll(async () => {
    if (before === undefined) delete process.env['SLURM_CONF'];
    else process.env['SLURM_CONF'] = before;
    await cluster[Symbol.asyncDispose]();
  });
  return { cluster: () => cluster };
}

const errorOf = (wanted: Promise<unknown>) =>
  wanted.then(
    () => undefined,
    (error: unknown) => error,
  );

const waiting = { extra: ['--hold'] };

describe.skipIf(withoutSlurm)(`the grid engine slurm${needsSlurm}`, () => {
  withCluster({});
  gridContract(() => Promise.resolve(new SlurmEngine()));
});

describe.skipIf(withoutSlurm)(`the limits of a cluster${needsSlurm}`, () => {
  withCluster({ nodes: 1, maxArraySize: 301, maxJobCount: 2000 });
  const engine = new SlurmEngine();

  it('an array as large as they say is taken, and no larger one', async () => {
    expect(await engine.limits(never)).toEqual({ elements: 301, jobs: 2000 });
    const larger = arrayOf('/tmp', 'exit 0', { elements: 302, options: waiting });
    expect(await errorOf(engine.submit(larger, never))).toMatchObject({ code: 'GRID_REFUSED' });
    const job = await sent(engine, { ...larger, elements: 301 });
    expect(await engine.poll([job], never)).toHaveLength(301);
    // What is left, 0 to 300 in steps of 2, is such a set as squeue -r leaves the last element of out.
    const odd = Array.from({ length: 150 }, (_, index) => 2 * index + 1);
    await engine.cancel(job, odd, never);
    const left = (await engine.poll([job], never)).filter(({ state }) => state === 'pending');
    expect(left.map(({ element }) => element)).toEqual(Array.from({ length: 151 }, (_, index) => 2 * index));
    await engine.cancel(job, undefined, never);
  });

  it.each<[string, Partial<JobArray>]>([
    ['partition', { options: { partition: 'none' } }],
    ['feature', { options: { constraint: 'none' } }],
    ['option', { options: { extra: ['--none'] } }],
    ['reservation', { options: { extra: ['--reservation=none'] } }],
    ['memory', { resources: { cpus: 1, memory: 2 ** 50, seconds: undefined } }],
    ['node', { exclude: ['none'] }],
  ])('refused in the words of Slurm: no such %s', async (what, change) => {
    const array = arrayOf('/tmp', 'exit 0', change);
    const error = await errorOf(engine.submit(array, never));
    expect(error).toMatchObject({ code: 'GRID_REFUSED' });
    expect(String(error).toLowerCase()).toContain(what);
    // Some of what it refuses it keeps, as failed.
    const found = await engine.find(array.name, never);
    const kept = await engine.poll(
      found.map((job) => ({ job, name: array.name })),
      never,
    );
    expect(kept.filter(({ end }) => end !== 'launch-failed')).toEqual([]);
  });
});

describe.skipIf(withoutSlurm)(`faults of a cluster${needsSlurm}`, () => {
  const { cluster } = withCluster({ nodes: 2 });
  const engine = new SlurmEngine();

  it('a controller that is frozen: whether it was submitted is not known, until it is found', async () => {
    await using folder = await temporaryFolder();
    const array = arrayOf(folder.path, 'exit 0', { elements: 3 });
    await cluster().controller('freeze');
    const [submitted, polled] = await Promise.all([
      errorOf(engine.submit(array, never)),
      errorOf(engine.poll([{ job: '1', name: 'gva-a' }], never)),
    ]);
    await cluster().controller('thaw');
    expect(submitted).toMatchObject({ code: 'GRID_UNCERTAIN' });
    expect(polled).toMatchObject({ code: 'GRID_SILENT' });
    let jobs: readonly string[] = [];
    await eventually(async () => {
      jobs = await engine.find(array.name, never).catch(() => []);
      return jobs.length > 0;
    });
    expect(jobs).toHaveLength(1);
    expect((await endsOf(engine, { job: jobs[0]!, name: array.name }, 3)).map(({ end }) => end)).toEqual(
      Array(3).fill('completed'),
    );
  });

  it('a controller that is killed: silence, and nothing is submitted', async () => {
    const array = arrayOf('/tmp', 'exit 0');
    await cluster().controller('kill');
    const errors = await Promise.all(
      [
        engine.submit(array, never),
        engine.poll([{ job: '1', name: 'gva-a' }], never),
        engine.find(array.name, never),
        engine.cancel({ job: '1', name: 'gva-a' }, [0], never),
        engine.limits(never),
      ].map((wanted) => errorOf(wanted)),
    );
    await cluster().controller('start');
    for (const error of errors) expect(error).toMatchObject({ code: 'GRID_SILENT' });
    await eventually(
      async () => (await errorOf(engine.poll([{ job: '1', name: 'gva-a' }], never))) === undefined,
    );
    expect(await engine.find(array.name, never)).toEqual([]);
  });

  it('a node that is gone: its element has no end of its own', async () => {
    await using folder = await temporaryFolder();
    const array = arrayOf(folder.path, 'exec sleep 600', { options: { extra: ['--nodelist=n2'] } });
    const job = await sent(engine, array);
    await eventually(async () => (await engine.poll([job], never))[0]?.state === 'running');
    await cluster().node('n2', 'crash');
    const [end] = await endsOf(engine, job, 1);
    expect(end).toMatchObject({ end: 'node-failed', node: 'n2', word: 'NODE_FAIL' });
    await cluster().node('n2', 'start');
  });
});

describe.skipIf(withoutSlurm)(`a cluster that soon forgets${needsSlurm}`, () => {
  withCluster({ nodes: 1, configuration: { MinJobAge: 2 } });

  it('of what ended a while ago, nothing is said', async () => {
    await using folder = await temporaryFolder();
    const engine = new SlurmEngine();
    const array = arrayOf(folder.path, 'exit 0', { elements: 2 });
    const job = await sent(engine, array);
    await eventually(async () => (await engine.find(array.name, never)).length === 0);
    expect(await engine.poll([job], never)).toEqual([]);
    // No accounting here.
    expect(await engine.recall([job], never)).toEqual([]);
    await engine.cancel(job, undefined, never);
  });
});
