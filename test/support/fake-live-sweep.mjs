// node fake-live-sweep.mjs PLAN OUT SCRIPT JOBS: runs a sweep whose guests are played by the shell commands in the file
// SCRIPT, so that others can look at it and ask things of it as of any sweep. Of the build: Node.js does not run TypeScript.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { ControlServer } from '../../dist/src/instance/control/server.js';
import { prepareAppliance } from '../../dist/src/instance/prepare.js';
import { rememberSweep } from '../../dist/src/sweep/observe/registry.js';
import { readPlan } from '../../dist/src/sweep/plan/plan.js';
import { runSweep } from '../../dist/src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../../dist/src/sweep/schedule/retry-policy.js';
import { FakeDriver } from '../../dist/src/vmm/fake/driver.js';

const [planFile, out, script, jobs] = process.argv.slice(2);
const plan = await readPlan(planFile);
const file = (name) => ({ name, size: 0, sha256: '0'.repeat(64) });
const base = {
  ...{ format: 1, contract: 1, os: 'linux', arch: 'x86_64', name: 'micro', description: 'none' },
  ...{ kernelRelease: '0', packages: {}, inputs: '', digest: 'b'.repeat(64), folder: '/nonexistent' },
  files: { root: file('root.img'), kernel: file('vmlinux'), initrd: file('initrd.img') },
};
const control = await ControlServer.listen();
const never = new AbortController().signal;
const summary = await runSweep(
  {
    ...{ plan, prepared: await prepareAppliance(plan.source, base), name: basename(out), out, control },
    ...{ jobs: Number(jobs), force: false, keep: 'files', keepDisks: false, shared: false, stop: {} },
    ...{ limits: { boot: 600, total: undefined, powerOff: 600 }, retry: defaultRetryLimits },
  },
  {
    driver: new FakeDriver({ script: readFileSync(script, 'utf8') }),
    probe: { available: true, version: '1', accelerator: 'none' },
  },
  (event) => {
    if (event.event === 'begun') void rememberSweep(basename(out), out);
  },
  { finish: never, abort: never },
);
await control?.[Symbol.asyncDispose]();
process.stdout.write(JSON.stringify(summary));
