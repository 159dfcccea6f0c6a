import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Benchmark, type Figure, alternate, ratios, timed } from './benchmark.js';
import { gva, inTemporaryFolder } from './gva.js';

const points = 60;
const rounds = 3;

/** Cold instances of an appliance that does nothing, one after another and two at a time. */
export const throughput: Benchmark = {
  name: 'throughput',
  title: `a sweep of ${points} points that do nothing, cold, under User-mode Linux, whole command`,
  run: () => inTemporaryFolder(measure),
};

async function measure(folder: string): Promise<Figure[]> {
  const plan = await writePlan(folder);
  const out = join(folder, 'out');
  /** Seconds per instance. */
  const sweep = (jobs: number) => async () => {
    const options = ['--vmm', 'uml', '--out', out, '-j', String(jobs), '--json'];
    const seconds = await timed(() => gva('sweep', 'run', plan, ...options));
    await rm(out, { recursive: true });
    return seconds / points;
  };
  const samples = await alternate(rounds, { one: sweep(1), two: sweep(2) });
  return [
    { what: 'per instance, -j 1', unit: 's', samples: samples.one },
    { what: 'per instance, -j 2 (0.5 s are 120 a minute)', unit: 's', samples: samples.two, target: 0.5 },
    {
      what: 'throughput at -j 1 / at -j 2 (1/1.8 at most)',
      unit: 'x',
      samples: ratios(samples.two, samples.one),
      target: 1 / 1.8,
    },
  ];
}

async function writePlan(folder: string): Promise<string> {
  const appliance = join(folder, 'empty');
  await mkdir(join(appliance, 'app'), { recursive: true });
  const manifest = 'name: empty\nrun: "true"\nparameters:\n  n: { type: int }\n';
  await writeFile(join(appliance, 'gva.yaml'), manifest);
  const plan = join(folder, 'plan.yaml');
  await writeFile(plan, `appliance: ./empty\nparameters:\n  n: { range: [1, ${points}] }\n`);
  return plan;
}
