import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GridRecord } from '../src/model/grid.js';
import type { Benchmark, Figure } from './benchmark.js';
import { withCluster } from './cluster.js';
import { writePlan } from './coordinator-sweep.js';
import { execute, inTemporaryFolder } from './gva.js';

const nodes = 3;
const cpus = 2;
/** Jobs that run at once. */
const slots = nodes * cpus;
const points = 2000;
const many = 100_000;

/** What a sweep on a grid costs by itself: a Slurm of three nodes on this machine, instances that end at once. */
export const grid: Benchmark = {
  name: 'grid',
  title: `a sweep on a Slurm cluster of ${nodes} nodes with ${cpus} CPUs, all on this machine, with instances that end at once`,
  onlyNamed: true,
  run: () => inTemporaryFolder(measure),
};

const measure = (folder: string) =>
  withCluster(folder, { nodes, cpus }, async (env) => [
    ...(await runFigures(folder, env)),
    ...(await submitFigures(folder, env)),
  ]);

async function runFigures(folder: string, env: NodeJS.ProcessEnv): Promise<Figure[]> {
  const out = join(folder, 'run', 'out');
  const plan = await writePlan(folder, points);
  // Two elements for each slot.
  const bundle = Math.ceil(points / (2 * slots));
  const { conductedSeconds, done } = await runGrid([plan, out, String(bundle)], env);
  if (done !== points) throw new Error(`${done} points are done`);
  const records = await recordsOf(out);
  const inPoints = secondsInPoints(records.flat());
  const perPoint = (seconds: number) => [(1000 * seconds) / points];
  return [
    {
      what: `wall time / points, ${points} points, ${bundle} for each job`,
      unit: 'ms',
      samples: perPoint(conductedSeconds),
      target: 50,
    },
    {
      what: `wall time x ${slots} slots / points`,
      unit: 'ms',
      samples: perPoint(conductedSeconds * slots),
      target: 50,
    },
    { what: 'of that, in a point (staging, collecting)', unit: 'ms', samples: perPoint(inPoints) },
    {
      what: 'of that, not in a point: jobs, workers, client',
      unit: 'ms',
      samples: perPoint(conductedSeconds * slots - inPoints),
      target: 50,
    },
    {
      what: 'copied to nodes / (nodes x images)',
      unit: 'x',
      samples: [copied(records) / (nodes * (await imageBytes(out)))],
      target: 1,
    },
  ];
}

/** Held, so that none of them runs. */
async function submitFigures(folder: string, env: NodeJS.ProcessEnv): Promise<Figure[]> {
  const plan = await writePlan(folder, many);
  const { conductedSeconds, seconds, peakMegabytes } = await runGrid(
    [plan, join(folder, 'many', 'out'), 'hold'],
    env,
  );
  return [
    { what: `${many} points submitted`, unit: 's', samples: [conductedSeconds], target: 10 },
    { what: 'the same, until the client has ended', unit: 's', samples: [seconds] },
    { what: 'its peak memory', unit: 'MB', samples: [peakMegabytes], target: 200 },
  ];
}

interface GridRun {
  readonly conductedSeconds: number;
  readonly seconds: number;
  readonly peakMegabytes: number;
  readonly done: number;
}

/** In a process of its own. */
async function runGrid(args: readonly string[], env: NodeJS.ProcessEnv): Promise<GridRun> {
  const program = fileURLToPath(new URL('grid-run.js', import.meta.url));
  const { stdout } = await execute(process.execPath, [program, ...args], { env });
  return JSON.parse(stdout) as GridRun;
}

/** Of each worker. */
async function recordsOf(out: string): Promise<GridRecord[][]> {
  const chunks = join(out, 'grid/chunks');
  const names = (await readdir(chunks, { recursive: true })).filter((name) => name.endsWith('.jsonl'));
  const texts = await Promise.all(names.map((name) => readFile(join(chunks, name), 'utf8')));
  return texts.map((text) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as GridRecord),
  );
}

function secondsInPoints(records: readonly GridRecord[]): number {
  const sum = (kind: GridRecord['record']) =>
    records.reduce((total, { record, at }) => total + (record === kind ? Date.parse(at) / 1000 : 0), 0);
  return sum('point-ended') - sum('point-began');
}

function copied(records: readonly (readonly GridRecord[])[]): number {
  return records.flat().reduce((total, one) => total + (one.record === 'staged' ? one.bytes : 0), 0);
}

async function imageBytes(out: string): Promise<number> {
  const images = join(out, 'grid/images');
  const sizes = (await readdir(images)).map(async (name) => (await stat(join(images, name))).size);
  return (await Promise.all(sizes)).reduce((total, size) => total + size, 0);
}
