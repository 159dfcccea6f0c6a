import { mkdir, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Benchmark, Figure } from './benchmark.js';
import { execute, inTemporaryFolder } from './gva.js';

const program = fileURLToPath(new URL('coordinator-run.js', import.meta.url));

/** What the coordinator of a sweep costs by itself: instances that end at once, in a process of their own. */
export const coordinator: Benchmark = {
  name: 'coordinator',
  title: 'the coordinator of a sweep, with instances that end at once',
  run: () => inTemporaryFolder(measure),
};

interface Run {
  readonly cpuMs: number;
  readonly firstSeconds: number;
  readonly seconds: number;
  readonly peakMegabytes: number;
  readonly kept: number;
}

async function measure(folder: string): Promise<Figure[]> {
  const appliance = join(folder, 'empty');
  await mkdir(join(appliance, 'app'), { recursive: true });
  await writeFile(
    join(appliance, 'gva.yaml'),
    'name: empty\nrun: "true"\nparameters: { n: { type: int } }\n',
  );
  const points = 100_000;
  const whole = await run(folder, points, 'out');
  const again = await run(folder, points, 'out');
  if (again.kept !== points) throw new Error(`${again.kept} points were kept`);
  const million = await run(folder, 1_000_000, 'million', '--first');
  const status = await seconds(join(folder, 'out'));
  return [
    { what: 'per point of 100,000, processor time', unit: 'ms', samples: [whole.cpuMs / points], target: 1 },
    { what: 'peak memory, 100,000 points', unit: 'MB', samples: [whole.peakMegabytes], target: 150 },
    { what: 'going on with 100,000 done points', unit: 's', samples: [again.seconds], target: 3 },
    {
      what: 'to the first instance of a million points',
      unit: 's',
      samples: [million.firstSeconds],
      target: 0.5,
    },
    { what: 'gva sweep status of 100,000 points', unit: 's', samples: status, target: 0.5 },
  ];
}

async function run(folder: string, points: number, name: string, ...args: string[]): Promise<Run> {
  const plan = join(folder, `plan-${points}.yaml`);
  await writeFile(plan, `appliance: empty\nparameters: { n: { range: [1, ${points}] } }\n`);
  const { stdout } = await execute(process.execPath, [program, plan, join(folder, name), ...args], {
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout) as Run;
}

/** Five times. */
async function seconds(folder: string): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    await new Promise<void>((resolve, reject) => {
      const child = spawn('bin/gva', ['sweep', 'status', folder], { stdio: 'ignore' });
      child.on('error', reject).on('exit', () => resolve());
    });
    samples.push((performance.now() - start) / 1000);
  }
  return samples;
}
