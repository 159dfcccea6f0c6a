import { mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Benchmark, type Figure, ratios } from './benchmark.js';
import { inTemporaryFolder } from './gva.js';
import { type Cost, costOf } from './processor-time.js';

const points = 60;
const pairs = 7;

/** Cold instances of an appliance that does nothing, one after another and two at a time. */
export const throughput: Benchmark = {
  name: 'throughput',
  title: `a sweep of ${points} points that do nothing, cold, under User-mode Linux, whole command`,
  run: () => inTemporaryFolder(measure),
};

async function measure(folder: string): Promise<Figure[]> {
  const plan = await writePlan(folder);
  const out = join(folder, 'out');
  const sweep = async (jobs: number) => {
    const options = ['--vmm', 'uml', '--out', out, '-j', String(jobs), '--json'];
    const cost = await costOf('sweep', 'run', plan, ...options);
    await rm(out, { recursive: true });
    return cost;
  };
  const one: Cost[] = [];
  const two: Cost[] = [];
  await sweep(2);
  // Each first as often as second, but for one: a machine whose speed drifts treats both alike.
  for (let pair = 0; pair < pairs; pair++)
    for (const jobs of pair % 2 === 0 ? [1, 2] : [2, 1]) (jobs === 1 ? one : two).push(await sweep(jobs));
  return figures(one, two);
}

function figures(one: readonly Cost[], two: readonly Cost[]): Figure[] {
  const each = (costs: readonly Cost[], of: (cost: Cost) => number) => costs.map((cost) => of(cost) / points);
  const wall = [each(one, ({ seconds }) => seconds), each(two, ({ seconds }) => seconds)] as const;
  const processor = [each(one, (cost) => cost.processor), each(two, (cost) => cost.processor)] as const;
  const others = (costs: readonly Cost[]) => costs.map((cost) => cost.others);
  const inUse = (index: 0 | 1) => ratios(processor[index], wall[index]);
  // Where two instances need as much processor time as two times one, no more than this can come out.
  const bound = processor[0].map((time, index) => time / availableParallelism() / (wall[0][index] ?? NaN));
  return [
    { what: 'per instance, -j 1', unit: 's', samples: wall[0] },
    { what: 'per instance, -j 2 (0.5 s are 120 a minute)', unit: 's', samples: wall[1], target: 0.5 },
    {
      what: 'throughput at -j 1 / at -j 2 (1/1.8 at most)',
      unit: 'x',
      samples: ratios(wall[1], wall[0]),
      target: 1 / 1.8,
    },
    { what: 'the same if all processors were always busy at -j 2', unit: 'x', samples: bound },
    { what: 'processor time per instance, -j 1', unit: 's', samples: processor[0] },
    { what: 'processor time per instance, -j 2', unit: 's', samples: processor[1] },
    { what: 'processors in use by the sweep, -j 1', unit: 'x', samples: inUse(0) },
    { what: 'processors in use by the sweep, -j 2', unit: 'x', samples: inUse(1) },
    { what: 'processors in use by others, -j 1', unit: 'x', samples: others(one) },
    { what: 'processors in use by others, -j 2', unit: 'x', samples: others(two) },
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
