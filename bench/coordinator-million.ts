import { join } from 'node:path';
import type { Benchmark, Figure } from './benchmark.js';
import { runPoints, writePlan, writeTables } from './coordinator-sweep.js';
import { inTemporaryFolder } from './gva.js';

const points = 1_000_000;

/** The same as `coordinator`, to the end of a million points: some ten minutes, and 8 GB on the disk of $TMPDIR. */
export const coordinatorMillion: Benchmark = {
  name: 'coordinator-million',
  title: 'the coordinator of a sweep of a million points, with instances that end at once',
  onlyNamed: true,
  run: () => inTemporaryFolder(measure),
};

async function measure(folder: string): Promise<Figure[]> {
  const plan = await writePlan(folder, points);
  const out = join(folder, 'out');
  const whole = await runPoints(plan, out);
  const again = await runPoints(plan, out);
  const tables = await writeTables(plan, out);
  if (again.kept !== points) throw new Error(`${again.kept} points were kept`);
  return [
    {
      what: 'per point of a million, processor time',
      unit: 'ms',
      samples: [whole.cpuMs / points],
      target: 1,
    },
    { what: 'peak memory, a million points', unit: 'MB', samples: [whole.peakMegabytes], target: 150 },
    { what: 'latest timer, a million points', unit: 'ms', samples: [whole.longestBlockMs] },
    { what: 'whole run of a million points', unit: 's', samples: [whole.seconds] },
    { what: 'going on with a million done points', unit: 's', samples: [again.seconds] },
    { what: 'peak memory, going on', unit: 'MB', samples: [again.peakMegabytes], target: 150 },
    { what: 'latest timer, going on', unit: 'ms', samples: [again.longestBlockMs] },
    {
      what: 'writing results.csv and results.jsonl, a million rows each',
      unit: 's',
      samples: tables.map(({ seconds }) => seconds),
      target: 8,
    },
    {
      what: 'peak memory, writing them',
      unit: 'MB',
      samples: tables.map(({ peakMegabytes }) => peakMegabytes),
      target: 150,
    },
    {
      what: 'latest timer, writing them',
      unit: 'ms',
      samples: tables.map(({ longestBlockMs }) => longestBlockMs),
    },
  ];
}
