// node fake-grid-client.mjs PLAN OUT BASE [--detach]: runs a sweep by the grid engine local, in a process that a test may
// kill; workers are fake-worker.mjs, with the variables in FAKE_ENV, a line each. BASE: folder with the files of a base that nobody boots. Of the build: Node.js does not
// run TypeScript.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { act } from '../../dist/src/cli/action.js';
import { GridCoordinator } from '../../dist/src/grid/coordinator.js';
import { LocalEngine } from '../../dist/src/grid/local/engine.js';
import { writeWork } from '../../dist/src/grid/work.js';
import { prepareAppliance } from '../../dist/src/instance/prepare.js';
import { readPlan } from '../../dist/src/sweep/plan/plan.js';
import { conductSweep } from '../../dist/src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../../dist/src/sweep/schedule/retry-policy.js';

const [planFile, out, baseFolder, ...words] = process.argv.slice(2);
const plan = await readPlan(planFile);
const base = { ...JSON.parse(readFileSync(join(baseFolder, 'base.json'), 'utf8')), folder: baseFolder };
const prepared = await prepareAppliance(plan.source, base);
const never = new AbortController().signal;
const limits = { boot: 600, total: undefined, powerOff: 600 };
const spec = {
  ...{ plan, prepared, name: 'fault', out, jobs: undefined, force: false, keep: 'files', keepDisks: false },
  ...{ shared: false, stop: {}, limits, retry: { ...defaultRetryLimits, attempts: 20 } },
  options: { vmm: 'fake', bootTimeout: '10m', cache: false, grid: 'local' },
};
const worker = join(import.meta.dirname, 'fake-worker.mjs');
const guest = process.env['FAKE_GUEST'];
const environment = [
  ...(process.env['FAKE_ENV'] ?? '').split('\n').filter(Boolean),
  `GVA_NODE_CACHE=${dirname(out)}`,
  ...(guest === undefined ? [] : [`FAKE_GUEST=${guest}`]),
];
const settings = {
  ...{ engine: new LocalEngine(), options: {}, name: 'fault', time: undefined, atOnce: undefined, bundle: 4 },
  command: (chunk) => ['/usr/bin/env', ...environment, process.execPath, worker, chunk],
  ...{ growth: { memory: 1, time: 1 }, leave: words.includes('--detach'), summary: undefined },
  ...{ interval: { shortest: 0.05, longest: 0.3 }, patience: Number(process.env['FAKE_PATIENCE'] ?? 1) },
};
if (words.includes('--summary'))
  settings.summary = [
    ...['/usr/bin/env', `XDG_CACHE_HOME=${process.env['XDG_CACHE_HOME']}`, process.execPath],
    ...[join(import.meta.dirname, '../../bin/gva'), 'sweep', 'status', out],
  ];
const conducted = () =>
  conductSweep(
    spec,
    {
      vmm: { name: 'fake', version: '', accelerator: 'local' },
      conduct: async (parts, signals) => {
        const work = await writeWork(out, prepared, {
          ...{ vmm: 'fake', limits: { boot: 600, powerOff: 600 }, keep: 'files', keepDisks: false },
          nodeCache: 2 ** 30,
        });
        return GridCoordinator.start(parts, { ...settings, work }, signals);
      },
    },
    (event) => {
      if (process.env['FAKE_EVENTS'] !== undefined) console.error(JSON.stringify(event));
    },
    { finish: never, abort: never },
  );
await act(false, async () => {
  process.stdout.write(JSON.stringify(await conducted()));
  return 0;
});
