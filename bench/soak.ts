import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadDirectBase } from '../src/base/store.js';
import { prepareAppliance } from '../src/instance/prepare.js';
import { readPlan } from '../src/sweep/plan/plan.js';
import { runSweep } from '../src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../src/sweep/schedule/retry-policy.js';
import { packageRoot } from '../src/system/paths.js';
import { FakeDriver, guestScript } from '../src/vmm/fake/driver.js';
import { execute } from './gva.js';
import { type Inventory, sharedMemory, takeInventory } from './soak/inventory.js';
import { heapGrowth, leaksBetween } from './soak/leaks.js';

// node dist/bench/soak.js [--minutes N] [--points N] [--at-once N] [--guests N] [--vmm NAME]
// Sweeps one after the other, for so many minutes: in this process with fake guests, and by gva with real ones. After each,
// everything is counted that may leak. Exit status: 0 nothing leaks and all results are right, 1 otherwise.

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    points: { type: 'string', default: '256' },
    'at-once': { type: 'string', default: '64' },
    guests: { type: 'string', default: '4' },
    vmm: { type: 'string', default: 'uml' },
  },
});
const end = performance.now() + Number(values.minutes) * 60_000;
const [points, atOnce, guests] = [values.points, values['at-once'], values.guests].map(Number) as [
  number,
  number,
  number,
];

/** Rounds in which code is loaded, compiled, and caches are filled. */
const warmUp = 2;
/** Rounds at least, however short the time: growth needs some to be seen. */
const fewest = warmUp + 3;

/** Long enough for all that may run at once to do so. */
const guest =
  guestScript(['boot t=0.01 contract=1', 'ready t=0.01', 'script-start t=0.01 name=50-autorun']) +
  'sleep 0.5\n' +
  guestScript(['script-end t=0.6 name=50-autorun status=0 free=60000', 'done t=0.6 scripts=1 failed=0']);

class CountingDriver extends FakeDriver {
  most = 0;
  #running = 0;

  constructor() {
    super({ script: guest });
  }

  override async start(spec: Parameters<FakeDriver['start']>[0]) {
    const machine = await super.start(spec);
    this.most = Math.max(this.most, ++this.#running);
    void machine.exited.then(() => this.#running--);
    return machine;
  }
}

const folder = await mkdtemp(join(tmpdir(), 'gva-soak-'));
const at = (name: string) => join(folder, name);
let failed: boolean;
try {
  failed = await soak();
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;

async function soak(): Promise<boolean> {
  const base = await loadDirectBase('micro');
  for (const name of ['scratch', 'tmp', 'rounds', 'square/app']) await mkdir(at(name), { recursive: true });
  Object.assign(process.env, { GVA_SCRATCH: at('scratch'), TMPDIR: at('tmp'), XDG_CACHE_HOME: at('cache') });
  await writeFile(
    at('square/gva.yaml'),
    'name: soak\nrun: ./job.sh $(cat /cdrom/param)\nhardware: { memory: 96M }\nparameters:\n  n: { type: int }\noutput: { size: 1M }\n',
  );
  await writeFile(at('square/app/job.sh'), '#!/bin/sh\necho "square=$(($1 * $1))" >result.txt\n', {
    mode: 0o755,
  });
  const shared = new Set(await sharedMemory());
  const look = () => takeInventory(folder, [at('scratch'), at('tmp'), at('rounds')], shared);
  const heaps: number[] = [];
  const problems: string[] = [];
  let before: Inventory | undefined;
  let most = 0;
  let rounds = 0;
  for (; rounds < fewest || performance.now() < end; rounds++) {
    most = Math.max(most, await fakeRound(base));
    if (guests > 0) await realRound();
    await rm(at('rounds'), { recursive: true });
    await mkdir(at('rounds'));
    const now = await look();
    if (rounds >= warmUp) heaps.push(now.heap);
    if (rounds === warmUp - 1) before = now;
    if (before) problems.push(...leaksBetween(before, now).map((text) => `round ${rounds + 1}: ${text}`));
    if (problems.length > 0) break;
  }
  problems.push(...heapGrowth(heaps));
  const last = await look();
  const counts = {
    ...{ rounds, points: rounds * points, guests: rounds * guests, mostAtOnce: most },
    ...{ descriptors: last.descriptors.length, processes: last.processes.length, heaps },
  };
  console.log(JSON.stringify({ ...counts, problems }, null, 2));
  return problems.length > 0;
}

/** @returns how many ran at once at most */
async function fakeRound(base: Awaited<ReturnType<typeof loadDirectBase>>): Promise<number> {
  await writeFile(at('plan.yaml'), `appliance: ./square\nparameters: { n: { range: [1, ${points}] } }\n`);
  const plan = await readPlan(at('plan.yaml'));
  if (plan.source.kind !== 'folder') throw new Error('the plan is of a folder');
  const prepared = await prepareAppliance(plan.source, base);
  const driver = new CountingDriver();
  const never = new AbortController().signal;
  const common = { plan, prepared, name: 'soak', out: at('rounds/fake'), jobs: atOnce };
  const flags = { force: false, keep: 'files', keepDisks: false, shared: false, stop: {} } as const;
  const limits = { boot: 600, total: undefined, powerOff: 600 };
  const summary = await runSweep(
    { ...common, ...flags, limits, retry: defaultRetryLimits },
    { driver, probe: { available: true, version: '1', accelerator: 'none' } },
    () => undefined,
    { finish: never, abort: never },
  );
  if (summary.counts.done !== points) throw new Error(`not all are done: ${JSON.stringify(summary.counts)}`);
  const folders = await readdir(at('rounds/fake/points/0000'));
  if (folders.length !== Math.min(points, 1000))
    throw new Error(`there are ${folders.length} folders of points`);
  return driver.most;
}

/** Real guests, one after the other. */
async function realRound(): Promise<void> {
  await writeFile(at('plan.yaml'), `appliance: ./square\nparameters: { n: { range: [1, ${guests}] } }\n`);
  const args = [
    'sweep',
    'run',
    at('plan.yaml'),
    '--out',
    at('rounds/real'),
    '-j',
    '1',
    '--no-cache',
    '--start',
    'cold',
  ];
  await execute(process.execPath, [join(packageRoot, 'bin/gva'), ...args, '--vmm', values.vmm], {
    maxBuffer: 1 << 26,
  });
  const rows = (await readFile(at('rounds/real/results.csv'), 'utf8')).trimEnd().split('\r\n').slice(1);
  const right = rows.every(
    (row, index) => row.startsWith(`${index},${index + 1},done,`) && row.endsWith(`,${(index + 1) ** 2}`),
  );
  if (!right || rows.length !== guests) throw new Error(`the results are not right:\n${rows.join('\n')}`);
}
