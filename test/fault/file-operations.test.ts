import { execFileSync } from 'node:child_process';
import { readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SweepSummary } from '../../src/model/sweep.js';
import { packageRoot } from '../../src/system/package.js';
import { pointFolder } from '../../src/system/paths.js';
import { squareManifest, writeAppliance } from '../support/fake-appliance.js';
import {
  type Fault,
  type FaultKind,
  type FaultPlace,
  type FaultyRun,
  dropUnsynced,
  endedByLibsql,
  chosenKinds,
  chosenOperations,
  runWithFault,
} from '../support/faults.js';
import { faultLayer, withoutFaults } from '../support/fault-layer.js';
import { noneLeft, temporaryFolder } from '../support/gva.js';
import { leaving, readN, started, endedWith } from '../sweep/sweep-home.js';

// Every file operation of a sweep is made to fail in turn, and the same command is given again. GVA_LONG: each one; else
// some that are spread over all. One alone: GVA_FAULT=EIO:117 npx vitest run --project vm test/fault/file-operations.test.ts

const points = 3;
/** Seconds of a faulty run, at most: a full disk is waited for. */
const patience = 20;

const built = faultLayer();

/** Half as long again as the buffers in which files are written. */
const answer = (n: number) => `${n * n}\n`.repeat(40_000);
// It is the host whose operations fail: a guest has a kernel of its own. What it makes on its way belongs to its machine.
const script =
  withoutFaults('GVA_FAKE_SCRIPT') +
  'export TMPDIR="${GVA_FAKE_OUTPUT%/*}"\n' +
  readN +
  started +
  leaving('yes $((n * n)) | head -n 40000 >answer; echo "square=$((n * n))" >result.txt') +
  endedWith('0');

/** A folder with a sweep, and what a run of it needs. */
class Home implements AsyncDisposable {
  readonly place: FaultPlace;
  readonly out: string;
  readonly #args: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #dispose: () => PromiseLike<void>;

  private constructor(folder: string, dispose: () => PromiseLike<void>) {
    const root = join(folder, 'root');
    this.place = { shim: built.shim, root, state: join(folder, 'state'), log: join(folder, 'log') };
    this.out = join(root, 'out');
    this.#args = [join(packageRoot, 'test/support/fake-sweep.mjs'), join(root, 'plan.yaml'), this.out];
    this.#env = {
      ...{ XDG_CACHE_HOME: join(root, 'cache'), XDG_DATA_HOME: join(root, 'data') },
      ...{ GVA_SCRATCH: join(root, 'scratch'), TMPDIR: join(root, 'tmp') },
      ...{ GVA_FAKE_SCRIPT: script, GVA_FAKE_JOBS: '1', NO_COLOR: '1' },
    };
    this.#dispose = dispose;
  }

  static async make(): Promise<Home> {
    const folder = await temporaryFolder();
    const home = new Home(folder.path, () => folder[Symbol.asyncDispose]());
    const { root } = home.place;
    execFileSync('mkdir', ['-p', join(root, 'scratch'), join(root, 'tmp')]);
    await writeAppliance(root, squareManifest);
    const plan = `appliance: ./square\nparameters: { n: { range: [1, ${points}] } }\n`;
    await writeFile(join(root, 'plan.yaml'), plan);
    return home;
  }

  run(fault: Fault): Promise<FaultyRun> {
    return runWithFault(this.#args, fault, this.place, { env: this.#env, seconds: patience });
  }

  [Symbol.asyncDispose]() {
    return this.#dispose();
  }
}

const none: Fault = { kind: 'SHORT', at: 0 };

/** What is wrong after a run that nothing was in the way of. */
async function expectWhole(home: Home, run: FaultyRun): Promise<void> {
  expect(run, run.stderr).toMatchObject({ code: 0, endless: false });
  const { counts } = JSON.parse(run.stdout) as SweepSummary;
  expect(counts).toEqual({ pending: 0, done: points, failed: 0, lost: 0 });
  const rows = (await readFile(join(home.out, 'results.csv'), 'utf8')).trimEnd().split('\r\n').slice(1);
  expect(rows.map((row) => [...row.split(',').slice(0, 4), row.split(',').at(-1)].join(','))).toEqual(
    Array.from({ length: points }, (_, index) => `${index},${index + 1},fast,done,${(index + 1) ** 2}`),
  );
  for (let index = 0; index < points; index++) {
    const folder = pointFolder(home.out, index);
    expect((await readdir(folder)).sort()).toEqual(['console.log', 'events.jsonl', 'output', 'result.json']);
    expect((await readdir(join(folder, 'output'))).sort()).toEqual(['answer', 'result.txt']);
    expect((await readFile(join(folder, 'output/answer'), 'utf8')) === answer(index + 1)).toBe(true);
    const result = JSON.parse(await readFile(join(folder, 'result.json'), 'utf8')) as object;
    expect(result).toMatchObject({ state: 'done', parameters: { n: index + 1 } });
  }
  await expectNothingLeft(home);
}

async function expectNothingLeft({ out, place: { root } }: Home): Promise<void> {
  const names = Array.from({ length: points }, (_, index) => String(index).padStart(7, '0'));
  expect((await readdir(join(out, 'points/0000'))).sort()).toEqual(names);
  expect((await readdir(out)).sort()).toEqual(
    expect.arrayContaining([
      'points',
      'results.csv',
      'results.jsonl',
      'status.json',
      'store.db',
      'sweep.json',
    ]),
  );
  const all = await readdir(root, { recursive: true });
  expect(all.filter((name) => /\.tmp$|\.lock|\.aside|store\.db-|^tmp\/./.test(name))).toEqual([]);
  expect(all.filter((name) => /^scratch\/[^/]+\/./.test(name) && !name.endsWith('/owner.json'))).toEqual([]);
  await noneLeft(root);
}

/** @returns what became of the run with the fault, for people */
async function survive(fault: Fault): Promise<string> {
  await using home = await Home.make();
  const faulty = await home.run(fault);
  const told = `${faulty.faults.join('; ')}: ${faulty.code ?? faulty.signal ?? '?'} ${faulty.stderr}`;
  // A full disk is waited for; nothing else is.
  if (fault.kind !== 'ENOSPC') expect(faulty.endless, told).toBe(false);
  // A bug would have a stack.
  expect(faulty.stderr, told).not.toMatch(/\n\s+at /);
  if (fault.kind === 'CUT') expect(faulty.signal, told).toBe('SIGKILL');
  else if (!faulty.endless && !endedByLibsql(faulty)) expect([0, 1, 2, 69], told).toContain(faulty.code);
  if (fault.kind === 'CUT') {
    await noneLeft(home.place.root);
    await dropUnsynced(home.place, fault.at);
    // All of it is of before the host has started again.
    for (const name of await readdir(join(home.place.root, 'scratch')))
      await utimes(join(home.place.root, 'scratch', name), 1, 1);
  }
  const again = await home.run(none);
  try {
    await expectWhole(home, again);
  } catch (error) {
    throw new Error(told, { cause: error });
  }
  return told;
}

/** How many operations of a sweep could meet it. */
async function countOperations(kind: FaultKind): Promise<number> {
  await using home = await Home.make();
  const counted = await home.run({ kind, at: 0 });
  await expectWhole(home, counted);
  return counted.operations;
}

test.each(chosenKinds)(
  'a sweep whose file operations meet %s ends right when the same command is given again',
  { timeout: 7_200_000 },
  async (kind) => {
    const count = await countOperations(kind);
    expect(count).toBeGreaterThan(30);
    const left = chosenOperations(count);
    const wrong: string[] = [];
    const worker = async () => {
      for (let at = left.shift(); at !== undefined; at = left.shift())
        await survive({ kind, at }).catch((error: unknown) => {
          const { message, cause } = error as Error;
          wrong.push(`${kind}:${at} ${message} ${cause instanceof Error ? cause.message : ''}`);
        });
    };
    await Promise.all(Array.from({ length: 2 }, worker));
    expect(wrong).toEqual([]);
  },
);
