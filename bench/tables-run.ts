import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { readPlan } from '../src/sweep/plan/plan.js';
import { writeTexts } from '../src/sweep/results/write.js';
import { SweepStore } from '../src/sweep/store/store.js';
import { pointFolder, sweepFiles } from '../src/system/paths.js';
import { keepHeapSmall } from '../src/system/small-heap.js';
import { peakMegabytes } from './peak-memory.js';

// tables-run.js PLAN OUT: writes the tables of a sweep that has ended anew, and prints what it cost.

keepHeapSmall();
const [planFile = '', out = ''] = process.argv.slice(2);
const { points } = await readPlan(planFile);
using store = SweepStore.open(join(out, sweepFiles.store), Number(points.count));
const source = {
  points,
  ends: () => store.ends(),
  data: () => store.data(),
  folderOf: (index: number) => pointFolder('', index),
};
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
const start = performance.now();
await writeTexts(source, { csv: join(out, sweepFiles.results), jsonl: join(out, sweepFiles.lines) });
console.log(
  JSON.stringify({
    seconds: (performance.now() - start) / 1000,
    peakMegabytes: peakMegabytes(),
    longestBlockMs: delay.max / 1e6,
  }),
);
