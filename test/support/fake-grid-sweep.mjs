// node fake-grid-sweep.mjs PLAN OUT SETTINGS: runs a sweep on Slurm whose guests are played by a shell script, in a process
// that a test may kill; prints its summary. SETTINGS: JSON. Of the build: Node.js does not run TypeScript.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GridCoordinator } from '../../dist/src/grid/coordinator.js';
import { SlurmEngine } from '../../dist/src/grid/slurm/engine.js';
import { writeWork } from '../../dist/src/grid/work.js';
import { prepareAppliance } from '../../dist/src/instance/prepare.js';
import { readPlan } from '../../dist/src/sweep/plan/plan.js';
import { conductSweep } from '../../dist/src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../../dist/src/sweep/schedule/retry-policy.js';
import { packageRoot } from '../../dist/src/system/package.js';

// A test that fails leaves nothing that runs.
process.stdin
  .on('end', () => process.exit(1))
  .resume()
  .unref();

const [planFile, out, text] = process.argv.slice(2);
const { guest, base, ...grid } = JSON.parse(text);
const plan = await readPlan(planFile);
const prepared = await prepareAppliance(plan.source, fakeBase());
const keep = { keep: 'files', keepDisks: false };
const spec = {
  ...{
    plan,
    prepared,
    name: grid.name,
    out,
    jobs: undefined,
    force: false,
    shared: false,
    stop: {},
    ...keep,
  },
  ...{ limits: { boot: 600, total: undefined, powerOff: 600 }, retry: defaultRetryLimits },
};

/** Of files that are there, since nodes copy them, and that nobody boots. */
function fakeBase() {
  mkdirSync(base, { recursive: true });
  const file = (name) => {
    writeFileSync(join(base, name), name);
    return { name, size: name.length, sha256: createHash('sha256').update(name).digest('hex') };
  };
  return {
    ...{ format: 1, contract: 1, os: 'linux', arch: 'x86_64', name: 'micro', description: 'none' },
    ...{ kernelRelease: '0', packages: {}, inputs: '', digest: 'b'.repeat(64), folder: base },
    files: { root: file('root.img'), kernel: file('vmlinux'), initrd: file('initrd.img') },
  };
}

async function conduct(parts, signals) {
  const work = await writeWork(parts.spec.out, prepared, {
    ...{ vmm: 'fake', limits: { boot: 600, powerOff: 600 }, nodeCache: 2 ** 30, ...keep },
  });
  const worker = [process.execPath, join(packageRoot, 'test/support/fake-worker.mjs')];
  const settings = {
    ...{ engine: new SlurmEngine(), leave: false, growth: { memory: 1, time: 1 }, work },
    ...{ interval: { shortest: 0.2, longest: 1 }, patience: 3, time: undefined, atOnce: undefined, ...grid },
    command: (chunk) => ['/usr/bin/env', `FAKE_GUEST=. '${guest}'`, 'FAKE_PATIENCE=60', ...worker, chunk],
  };
  return GridCoordinator.start(parts, settings, signals);
}

const never = new AbortController().signal;
const onEvent = (event) => {
  if (event.event !== 'point-started') console.error(JSON.stringify(event));
};
try {
  const vmm = { name: 'fake', version: '', accelerator: 'slurm' };
  const summary = await conductSweep(spec, { vmm, conduct }, onEvent, { finish: never, abort: never });
  process.stdout.write(JSON.stringify(summary));
} catch (error) {
  if (error.code === undefined) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
