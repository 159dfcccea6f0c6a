import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadDirectBase } from '../src/base/store.js';
import { prepareAppliance } from '../src/instance/prepare.js';
import { readPlan } from '../src/sweep/plan/plan.js';
import { runSweep } from '../src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../src/sweep/schedule/retry-policy.js';
import type { InstanceResult } from '../src/model/result.js';
import { packageRoot } from '../src/system/package.js';
import { pointFolder, resultFiles } from '../src/system/paths.js';
import { FakeDriver, guestScript } from '../src/vmm/fake/driver.js';
import { execute } from './gva.js';
import { type Inventory, sharedMemory, takeInventory } from './soak/inventory.js';
import { heapGrowth, leaksBetween } from './soak/leaks.js';

// node dist/bench/soak.js [--minutes N] [--points N] [--at-once N] [--guests N] [--guests-at-once N] [--guest-seconds N]
//   [--vmm NAME] [--once]
// Sweeps one after the other, for so many minutes: in this process with fake guests, and by gva with real ones, which take so
// many seconds each. After each, everything is counted that may leak. With --once it is one sweep of each kind, after small
// ones. Exit status: 0 nothing leaks and all results are right, 1 otherwise.

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    points: { type: 'string', default: '256' },
    'at-once': { type: 'string', default: '64' },
    guests: { type: 'string', default: '4' },
    'guests-at-once': { type: 'string', default: '1' },
    'guest-seconds': { type: 'string', default: '0' },
    vmm: { type: 'string', default: 'uml' },
    once: { type: 'boolean', default: false },
  },
});
const end = performance.now() + (values.once ? 0 : Number(values.minutes) * 60_000);
const [points, atOnce, guests, guestsAtOnce, guestSeconds] = [
  ...[values.points, values['at-once'], values.guests, values['guests-at-once'], values['guest-seconds']],
].map(Number) as [number, number, number, number, number];

/** Rounds in which code is loaded, compiled, and caches are filled. */
const warmUp = 2;
/** Rounds at least, however short the time: growth needs some to be seen. */
const fewest = warmUp + (values.once ? 1 : 3);
/** The numbers of points, fake and real, in a round. */
const sizesOf = (round: number) =>
  values.once && round < warmUp
    ? { fake: Math.min(points, 80), real: Math.min(guests, 1) }
    : { fake: points, real: guests };

/** Each waits until so many have run at once as may, a minute at most. */
const guest = (all: string) =>
  guestScript(['boot t=0.01 contract=1', 'ready t=0.01', 'script-start t=0.01 name=50-autorun']) +
  `n=0; until [ -e '${all}' ] || [ $n -ge 600 ]; do sleep 0.1; n=$((n + 1)); done\n` +
  guestScript(['script-end t=0.6 name=50-autorun status=0 free=60000', 'done t=0.6 scripts=1 failed=0']);

class CountingDriver extends FakeDriver {
  most = 0;
  #running = 0;
  readonly #expected: number;
  readonly #all: string;

  /** @param all file that is made when as many run as are expected */
  constructor(expected: number, all: string) {
    super({ script: guest(all) });
    [this.#expected, this.#all] = [expected, all];
  }

  override async start(spec: Parameters<FakeDriver['start']>[0]) {
    const machine = await super.start(spec);
    this.most = Math.max(this.most, ++this.#running);
    void machine.exited.then(() => this.#running--);
    // Nothing that waits may come between the start and who listens to it.
    if (this.#running === this.#expected) writeFileSync(this.#all, '');
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
  const job = `#!/bin/sh\nsleep ${guestSeconds}\necho "square=$(($1 * $1))" >result.txt\n`;
  await writeFile(at('square/app/job.sh'), job, { mode: 0o755 });
  const shared = new Set(await sharedMemory());
  const look = () => takeInventory(folder, [at('scratch'), at('tmp'), at('rounds')], shared);
  const heaps: number[] = [];
  const problems: string[] = [];
  let before: Inventory | undefined;
  const most = { fake: 0, real: 0 };
  const ended = { fake: 0, real: 0 };
  let rounds = 0;
  for (; rounds < fewest || performance.now() < end; rounds++) {
    const { fake, real } = sizesOf(rounds);
    if (fake > 0) most.fake = Math.max(most.fake, await fakeRound(base, fake));
    if (real > 0) most.real = Math.max(most.real, await realRound(real));
    ended.fake += fake;
    ended.real += real;
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
    ...{ rounds, points: ended.fake, guests: ended.real, mostAtOnce: most.fake, guestsAtOnce: most.real },
    ...{ descriptors: last.descriptors.length, processes: last.processes.length, heaps },
  };
  console.log(JSON.stringify({ ...counts, problems }, null, 2));
  return problems.length > 0;
}

/** @returns how many ran at once at most */
async function fakeRound(base: Awaited<ReturnType<typeof loadDirectBase>>, points: number): Promise<number> {
  await writeFile(at('plan.yaml'), `appliance: ./square\nparameters: { n: { range: [1, ${points}] } }\n`);
  const plan = await readPlan(at('plan.yaml'));
  if (plan.source.kind !== 'folder') throw new Error('the plan is of a folder');
  const prepared = await prepareAppliance(plan.source, base);
  const driver = new CountingDriver(Math.min(points, atOnce), at('all'));
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
  await rm(at('all'), { force: true });
  if (summary.counts.done !== points) throw new Error(`not all are done: ${JSON.stringify(summary.counts)}`);
  const shards = await readdir(at('rounds/fake/points'));
  const folders = await Promise.all(shards.map((shard) => readdir(at(`rounds/fake/points/${shard}`))));
  if (folders.flat().length !== points)
    throw new Error(`there are ${folders.flat().length} folders of points`);
  const rows = await rowsOf('fake');
  if (rows.length !== points || !rows.every((row, index) => row.startsWith(`${index},${index + 1},done,`)))
    throw new Error('the table is not right');
  return driver.most;
}

async function rowsOf(round: string): Promise<string[]> {
  return (await readFile(at(`rounds/${round}/results.csv`), 'utf8')).trimEnd().split('\r\n').slice(1);
}

/** Real guests. @returns how many there were at once at most, by the table */
async function realRound(guests: number): Promise<number> {
  await writeFile(at('plan.yaml'), `appliance: ./square\nparameters: { n: { range: [1, ${guests}] } }\n`);
  const args = [
    ...['sweep', 'run', at('plan.yaml'), '--out', at('rounds/real'), '-j', String(guestsAtOnce)],
    ...['--no-cache', '--start', 'cold', '--vmm', values.vmm],
  ];
  await execute(process.execPath, [join(packageRoot, 'bin/gva'), ...args], { maxBuffer: 1 << 26 });
  const rows = await rowsOf('real');
  const right = rows.every(
    (row, index) => row.startsWith(`${index},${index + 1},done,`) && row.endsWith(`,${(index + 1) ** 2}`),
  );
  if (!right || rows.length !== guests) throw new Error(`the results are not right:\n${rows.join('\n')}`);
  const results = await Promise.all(
    rows.map(async (_, index) => {
      const text = await readFile(join(pointFolder(at('rounds/real'), index), resultFiles.result), 'utf8');
      const { startedAt, times } = JSON.parse(text) as InstanceResult;
      const start = Date.parse(startedAt) / 1000;
      return { start: start + (times.staged ?? 0), end: start + (times.poweredOff ?? 0) };
    }),
  );
  return Math.max(
    ...results.map(({ start }) => results.filter((one) => one.start <= start && start < one.end).length),
  );
}
