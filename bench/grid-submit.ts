import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Benchmark, Figure } from './benchmark.js';
import { execute, inTemporaryFolder } from './gva.js';

const program = fileURLToPath(new URL('grid-submit-run.js', import.meta.url));

/** What submitting a large sweep to a grid costs by itself: a grid that takes everything at once. */
export const gridSubmit: Benchmark = {
  name: 'grid-submit',
  title: 'submitting 100,000 points to a grid that takes everything at once',
  run: () => inTemporaryFolder(measure),
};

interface Run {
  readonly seconds: number;
  readonly peakMegabytes: number;
  readonly jobs: number;
  readonly unsubmitted: number;
}

const points = 100_000;

async function measure(folder: string): Promise<Figure[]> {
  const appliance = join(folder, 'empty');
  await mkdir(join(appliance, 'app'), { recursive: true });
  await writeFile(
    join(appliance, 'gva.yaml'),
    'name: empty\nrun: "true"\nparameters: { n: { type: int } }\n',
  );
  const plan = join(folder, 'plan.yaml');
  await writeFile(plan, `appliance: empty\nparameters: { n: { range: [1, ${points}] } }\n`);
  const [first, again] = [await run(plan, join(folder, 'out')), await run(plan, join(folder, 'out'))];
  for (const { unsubmitted, jobs } of [first, again])
    if (unsubmitted !== 0 || jobs === 0) throw new Error(`${unsubmitted} points have no job`);
  return [
    { what: 'from the start until all has jobs', unit: 's', samples: [first.seconds], target: 10 },
    { what: 'peak memory', unit: 'MB', samples: [first.peakMegabytes], target: 200 },
    { what: 'taking up such a sweep again', unit: 's', samples: [again.seconds], target: 10 },
    { what: 'peak memory then', unit: 'MB', samples: [again.peakMegabytes], target: 200 },
  ];
}

async function run(plan: string, out: string): Promise<Run> {
  const { stdout } = await execute(process.execPath, [program, plan, out], { maxBuffer: 1 << 26 });
  return JSON.parse(stdout) as Run;
}
