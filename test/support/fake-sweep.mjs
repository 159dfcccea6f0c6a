// node fake-sweep.mjs PLAN OUT: runs a sweep whose guests are played by a shell script, in a process that a test may
// kill. Of the build: Node.js does not run TypeScript.
import { FakeDriver } from '../../dist/src/vmm/fake/driver.js';
import { prepareAppliance } from '../../dist/src/instance/prepare.js';
import { readPlan } from '../../dist/src/sweep/plan/plan.js';
import { runSweep } from '../../dist/src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../../dist/src/sweep/schedule/retry-policy.js';

const [planFile, out] = process.argv.slice(2);
const plan = await readPlan(planFile);
const file = (name) => ({ name, size: 0, sha256: '0'.repeat(64) });
const base = {
  ...{ format: 1, contract: 1, os: 'linux', arch: 'x86_64', name: 'micro', description: 'none' },
  ...{ kernelRelease: '0', packages: {}, inputs: '', digest: 'b'.repeat(64), folder: '/nonexistent' },
  files: { root: file('root.img'), kernel: file('vmlinux'), initrd: file('initrd.img') },
};
const prepared = await prepareAppliance(plan.source, base);
const never = new AbortController().signal;
const summary = await runSweep(
  {
    ...{
      plan,
      prepared,
      name: 'fault',
      out,
      jobs: 4,
      force: false,
      keep: plan.keep ?? 'files',
      keepDisks: false,
      shared: false,
      stop: {},
    },
    ...{ limits: { boot: 600, total: undefined, powerOff: 600 }, retry: defaultRetryLimits },
  },
  { driver: new FakeDriver({}), probe: { available: true, version: '1', accelerator: 'none' } },
  () => undefined,
  { finish: never, abort: never },
);
process.stdout.write(JSON.stringify(summary));
