import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadDirectBase } from '../src/base/store.js';
import { GridCoordinator } from '../src/grid/coordinator.js';
import { SlurmEngine } from '../src/grid/slurm/engine.js';
import { writeWork } from '../src/grid/work.js';
import { prepareAppliance } from '../src/instance/prepare.js';
import { readPlan } from '../src/sweep/plan/plan.js';
import { type Conducting, conductSweep } from '../src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../src/sweep/schedule/retry-policy.js';
import { keepHeapSmall } from '../src/system/small-heap.js';
import { peakMegabytes } from './peak-memory.js';

// grid-run.js PLAN OUT [BUNDLE | hold]: runs a sweep on the Slurm of the environment, with instances that end at once, or
// submits it as jobs that are held and leaves; prints what that cost.

// As `gva sweep run` does.
keepHeapSmall();
const [planFile = '', out = '', how = ''] = process.argv.slice(2);
const hold = how === 'hold';
const start = performance.now();
const since = () => (performance.now() - start) / 1000;
const plan = await readPlan(planFile);
if (plan.source.kind !== 'folder') throw new Error('the plan is of a folder');
const prepared = await prepareAppliance(plan.source, await loadDirectBase('micro'));
const worker = fileURLToPath(new URL('grid-worker.js', import.meta.url));
const caches = join(dirname(out), 'caches');
const limits = { boot: 60, powerOff: 60 };
let conductedSeconds = 0;

const conducting: Conducting = {
  vmm: { name: 'fake', version: '1', accelerator: 'none' },
  conduct: async (parts, signals) => {
    const kept = { start: 'cold', keep: 'files', keepDisks: false, nodeCache: 2 ** 34 } as const;
    const conductor = await GridCoordinator.start(
      parts,
      {
        engine: new SlurmEngine(),
        options: hold ? { extra: ['--hold'] } : {},
        work: await writeWork(parts.spec.out, prepared, { vmm: 'fake', limits, ...kept }),
        command: (chunk) => [process.execPath, worker, chunk, caches],
        ...{
          name: 'bench',
          time: undefined,
          atOnce: undefined,
          growth: { memory: 1, time: 1 },
          summary: undefined,
        },
        ...{ bundle: /^\d+$/.test(how) ? Number(how) : undefined, leave: hold },
      },
      signals,
    );
    const run = conductor.run.bind(conductor);
    conductor.run = async () => {
      await run();
      conductedSeconds = since();
    };
    return conductor;
  },
};
const never = new AbortController().signal;
const summary = await conductSweep(
  {
    ...{ plan, prepared, name: 'bench', out, jobs: undefined, force: false, shared: false, stop: {} },
    ...{ keep: 'files', keepDisks: false, retry: defaultRetryLimits },
    limits: { ...limits, total: undefined },
  },
  conducting,
  () => undefined,
  { finish: never, abort: never },
);
console.log(
  JSON.stringify({
    conductedSeconds,
    seconds: since(),
    peakMegabytes: peakMegabytes(),
    done: summary.counts.done,
  }),
);
