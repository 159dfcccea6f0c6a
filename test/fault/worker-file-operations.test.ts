import { readFile, readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pointFolder } from '../../src/system/paths.js';
import { fakeWorker, makeGrid } from '../grid/worker-fixture.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
import {
  type Fault,
  type FaultPlace,
  type FaultyRun,
  dropUnsynced,
  chosenKinds,
  chosenOperations,
  runWithFault,
} from '../support/faults.js';
import { faultLayer, withoutFaults } from '../support/fault-layer.js';
import { noneLeft } from '../support/gva.js';
import { endedWith, leaving, readN, started } from '../sweep/sweep-home.js';

// Every file operation of a grid's worker is made to fail in turn, and the job is begun again as a grid would. GVA_LONG: each
// one; else some. One alone: GVA_FAULT=EIO:117 npx vitest run --project vm test/fault/worker-file-operations.test.ts

const points = [1, 2];

const built = faultLayer();

// It is the host whose operations fail: a guest has a kernel of its own.
const guest =
  withoutFaults('FAKE_GUEST') +
  'export TMPDIR="${GVA_FAKE_OUTPUT%/*}"\n' +
  readN +
  started +
  leaving('yes $((n * n)) | head -n 40000 >answer') +
  endedWith('0');

interface Job {
  readonly home: TestHome;
  readonly place: FaultPlace;
  readonly sweep: string;
  readonly run: (fault: Fault, job: string) => Promise<FaultyRun>;
}

async function withJob<T>(work: (job: Job) => Promise<T>): Promise<T> {
  await using home = await makeTestHome();
  const grid = await makeGrid(home);
  const { sweep } = grid;
  const spec = await grid.element(points);
  const place = {
    shim: built.shim,
    root: home.folder,
    state: join(built.folder, 'state'),
    log: join(built.folder, 'log'),
  };
  // What a shared file system refuses is tried again.
  const env = { FAKE_GUEST: guest, GVA_NODE_CACHE: home.folder, GVA_NODE: 'n1', FAKE_PATIENCE: '20' };
  const run = (fault: Fault, job: string) =>
    runWithFault([fakeWorker, spec], fault, place, { env: { ...env, GVA_JOB: job }, seconds: 60 });
  return await work({ home, place, sweep, run });
}

const none: Fault = { kind: 'SHORT', at: 0 };

async function expectWhole({ home, sweep }: Job, run: FaultyRun): Promise<void> {
  expect(run).toMatchObject({ code: 0, endless: false });
  for (const n of points) {
    const folder = pointFolder(sweep, n);
    expect((await readdir(folder)).sort()).toEqual(['console.log', 'events.jsonl', 'output', 'result.json']);
    const result = JSON.parse(await readFile(join(folder, 'result.json'), 'utf8')) as object;
    expect(result).toMatchObject({ state: 'done', parameters: { n } });
    const answer = await readFile(join(folder, 'output/answer'), 'utf8');
    expect(answer === `${n * n}\n`.repeat(40_000)).toBe(true);
  }
  // An empty folder may stay for a minute: it might be somebody's who has not yet said whose it is.
  const left = await readdir(home.scratch, { recursive: true });
  expect(left.filter((name) => name.includes('/') && !name.endsWith('/owner.json'))).toEqual([]);
  await noneLeft(home.folder);
}

const survive = (fault: Fault): Promise<void> =>
  withJob(async (job) => {
    const faulty = await job.run(fault, '7_0');
    const told = `${fault.kind}:${fault.at} ${faulty.faults.join('; ')}: ${faulty.code ?? faulty.signal ?? '?'} ${faulty.stderr}`;
    expect(faulty.endless, told).toBe(false);
    expect(faulty.stderr, told).not.toMatch(/\n\s+at /);
    if (fault.kind === 'CUT') {
      await noneLeft(job.home.folder);
      await dropUnsynced(job.place, fault.at);
      // All of it is of before the host has started again.
      for (const name of await readdir(job.home.scratch)) await utimes(join(job.home.scratch, name), 1, 1);
    }
    try {
      await expectWhole(job, await job.run(none, '8_0'));
    } catch (error) {
      throw new Error(told, { cause: error });
    }
  });

test.each(chosenKinds)(
  'a job whose file operations meet %s has all results when it is begun again',
  { timeout: 7_200_000 },
  async (kind) => {
    const count = await withJob(async (job) => {
      const counted = await job.run({ kind, at: 0 }, '6_0');
      await expectWhole(job, counted);
      return counted.operations;
    });
    expect(count).toBeGreaterThan(30);
    const wrong: string[] = [];
    for (const at of chosenOperations(count))
      await survive({ kind, at }).catch((error: unknown) => {
        const { message, cause } = error as Error;
        wrong.push(`${message} ${cause instanceof Error ? cause.message : ''}`);
      });
    expect(wrong).toEqual([]);
  },
);
