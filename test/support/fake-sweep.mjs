// node fake-sweep.mjs PLAN OUT: runs a sweep whose guests are played by a shell script, in a process that a test may
// kill. Of the build: Node.js does not run TypeScript. GVA_FAKE_SCRIPT is the script, where it is another one than the
// driver's own, GVA_FAKE_JOBS how many run at once, GVA_FAKE_TIMEOUT seconds that each may take. Errors are told as gva
// tells them.
import { act } from '../../dist/src/cli/action.js';
import { FakeDriver } from '../../dist/src/vmm/fake/driver.js';
import { prepareAppliance } from '../../dist/src/instance/prepare.js';
import { readPlan } from '../../dist/src/sweep/plan/plan.js';
import { runSweep } from '../../dist/src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../../dist/src/sweep/schedule/retry-policy.js';

const [planFile, out] = process.argv.slice(2);
const { GVA_FAKE_SCRIPT: script, GVA_FAKE_JOBS: jobs = '4', GVA_FAKE_TIMEOUT: total } = process.env;
const file = (name) => ({ name, size: 0, sha256: '0'.repeat(64) });
const base = {
  ...{ format: 1, contract: 1, os: 'linux', arch: 'x86_64', name: 'micro', description: 'none' },
  ...{ kernelRelease: '0', packages: {}, inputs: '', digest: 'b'.repeat(64), folder: '/nonexistent' },
  files: { root: file('root.img'), kernel: file('vmlinux'), initrd: file('initrd.img') },
};

const never = new AbortController().signal;
const sweep = (plan, prepared) =>
  runSweep(
    {
      ...{
        plan,
        prepared,
        name: 'fault',
        out,
        jobs: Number(jobs),
        force: false,
        keep: plan.keep ?? 'files',
        keepDisks: false,
        shared: false,
        stop: {},
      },
      ...{ limits: { boot: 600, total: total && Number(total), powerOff: 600 }, retry: defaultRetryLimits },
    },
    {
      driver: new FakeDriver(script === undefined ? {} : { script }),
      probe: { available: true, version: '1', accelerator: 'none' },
    },
    () => undefined,
    { finish: never, abort: never },
  );

await act(false, async () => {
  const plan = await readPlan(planFile);
  const prepared = await prepareAppliance(plan.source, base);
  const summary = await sweep(plan, prepared);
  process.stdout.write(JSON.stringify(summary));
  return 0;
});
