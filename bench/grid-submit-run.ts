import { loadDirectBase } from '../src/base/store.js';
import { GridCoordinator } from '../src/grid/coordinator.js';
import type { ElementState, GridEngine, JobArray } from '../src/grid/engine.js';
import { prepareAppliance } from '../src/instance/prepare.js';
import { readPlan } from '../src/sweep/plan/plan.js';
import { conductSweep } from '../src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../src/sweep/schedule/retry-policy.js';
import { peakMegabytes } from './peak-memory.js';

// grid-submit-run.js PLAN OUT: submits a sweep to a grid that takes everything at once and runs nothing, leaves, and
// prints what it cost.

const [planFile = '', out = ''] = process.argv.slice(2);
const arrays: JobArray[] = [];
const engine: GridEngine = {
  name: 'bench',
  limits: () => Promise.resolve({ elements: 1000, jobs: undefined }),
  describe: () => '',
  submit: (array) => Promise.resolve(String(arrays.push(array))),
  find: () => Promise.resolve([]),
  poll: (asked) =>
    Promise.resolve(
      asked.flatMap(({ job, name }) =>
        Array.from({ length: arrays[Number(job) - 1]?.elements ?? 0 }, (_, element): ElementState => {
          return { array: name, element, state: 'pending', word: 'PENDING' };
        }),
      ),
    ),
  recall: () => Promise.resolve([]),
  cancel: () => Promise.resolve(),
};

const start = performance.now();
const plan = await readPlan(planFile);
if (plan.source.kind !== 'folder') throw new Error('the plan is of a folder');
const prepared = await prepareAppliance(plan.source, await loadDirectBase('micro'));
const never = new AbortController().signal;
const settings = {
  ...{ engine, options: {}, work: 'work-00000000.json', name: 'bench', time: undefined, atOnce: undefined },
  ...{ bundle: undefined, growth: { memory: 1, time: 1 }, leave: true, summary: undefined },
  command: (chunk: string) => ['/gva', chunk],
};
const flags = { force: false, keep: 'files', keepDisks: false, shared: true } as const;
const summary = await conductSweep(
  {
    ...{ plan, prepared, name: 'bench', out, jobs: undefined, ...flags, stop: {} },
    ...{ limits: { boot: 60, total: undefined, powerOff: 60 }, retry: defaultRetryLimits },
  },
  {
    vmm: { name: 'fake', version: '', accelerator: 'none' },
    conduct: (parts, signals) => GridCoordinator.start(parts, settings, signals),
  },
  () => undefined,
  { finish: never, abort: never },
);
console.log(
  JSON.stringify({
    seconds: (performance.now() - start) / 1000,
    peakMegabytes: peakMegabytes(),
    jobs: summary.jobs?.pending ?? 0,
    unsubmitted: summary.jobs?.unsubmitted ?? -1,
  }),
);
