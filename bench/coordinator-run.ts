import { prepareAppliance } from '../src/instance/prepare.js';
import { readPlan } from '../src/sweep/plan/plan.js';
import { runSweep } from '../src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../src/sweep/schedule/retry-policy.js';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pointFolder } from '../src/system/paths.js';
import { keepHeapSmall } from '../src/system/small-heap.js';
import { instanceIdentity } from '../src/instance/identity.js';
import { FakeDriver } from '../src/vmm/fake/driver.js';
import { loadDirectBase } from '../src/base/store.js';
import { peakMegabytes } from './peak-memory.js';

// coordinator-run.js PLAN OUT [--first]: runs a sweep whose instances end at once, and prints what it cost. --first:
// up to the first instance only.

// As `gva sweep run` does.
keepHeapSmall();
const [planFile = '', out = '', first] = process.argv.slice(2);
const start = performance.now();
const plan = await readPlan(planFile);
if (plan.source.kind !== 'folder') throw new Error('the plan is of a folder');
const prepared = await prepareAppliance(plan.source, await loadDirectBase('micro'));
const finish = new AbortController();
let firstSeconds: number | undefined;
const moments = { staged: 0, booted: 0, ready: 0, scriptsStarted: 0 };
const times = { ...moments, scriptsEnded: 0, poweredOff: 0, collected: 0 };

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
const summary = await runSweep(
  {
    ...{
      plan,
      prepared,
      name: 'bench',
      out,
      jobs: 4,
      force: false,
      keep: 'files',
      keepDisks: false,
      shared: false,
      stop: {},
    },
    ...{ limits: { boot: 60, total: undefined, powerOff: 60 }, retry: defaultRetryLimits },
  },
  { driver: new FakeDriver({}), probe: { available: true, version: '1', accelerator: 'none' } },
  () => undefined,
  { finish: finish.signal, abort: new AbortController().signal },
  async (spec, point, _vmm, watch) => {
    firstSeconds ??= (performance.now() - start) / 1000;
    if (first !== undefined) finish.abort();
    watch.onStarting();
    // The result file is the truth, so it is written here, too.
    const folder = pointFolder(spec.out, point.index);
    await mkdir(folder, { recursive: true });
    const identity = instanceIdentity(prepared.digest, prepared.base.digest, point.parameters, []);
    const result = { format: 'gva-result/1', identity, state: 'done', scripts: [], times };
    await writeFile(join(folder, 'result.json'), JSON.stringify(result));
    return { outcome: { state: 'done', status: 0, times } };
  },
);
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    cpuMs: (user + system) / 1000,
    firstSeconds,
    seconds: (performance.now() - start) / 1000,
    peakMegabytes: peakMegabytes(),
    longestBlockMs: delay.max / 1e6,
    kept: summary.kept,
  }),
);
