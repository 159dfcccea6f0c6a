import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Benchmark, Figure } from './benchmark.js';
import { runPoints, writePlan } from './coordinator-sweep.js';
import { inTemporaryFolder } from './gva.js';

/** What the coordinator of a sweep costs by itself: instances that end at once, in a process of their own. */
export const coordinator: Benchmark = {
  name: 'coordinator',
  title: 'the coordinator of a sweep, with instances that end at once',
  run: () => inTemporaryFolder(measure),
};

async function measure(folder: string): Promise<Figure[]> {
  const points = 100_000;
  const out = join(folder, 'out');
  const plan = await writePlan(folder, points);
  const whole = await runPoints(plan, out);
  const again = await runPoints(plan, out);
  if (again.kept !== points) throw new Error(`${again.kept} points were kept`);
  const millionPlan = await writePlan(folder, 1_000_000);
  const million = await runPoints(millionPlan, join(folder, 'million'), '--first');
  const status = await seconds(out);
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
