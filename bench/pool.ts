import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadAppliance } from '../src/appliance/load.js';
import { loadBase } from '../src/base/store.js';
import { WarmPool } from '../src/instance/pool/pool.js';
import { prepareAppliance } from '../src/instance/prepare.js';
import { runInstance } from '../src/instance/run.js';
import type { StartWish } from '../src/instance/start.js';
import { Templates } from '../src/instance/template/templates.js';
import { QemuDriver } from '../src/vmm/qemu/driver.js';
import { type Benchmark, type Figure, timed } from './benchmark.js';
import { type EmptyAppliance, writeEmptyAppliance } from './empty-appliance.js';
import { gva, inTemporaryFolder } from './gva.js';

const instances = 15;
const points = 60;
const sweeps = 3;

/** Guests that were ready before their points, beside clones that are started for theirs. */
export const pool: Benchmark = {
  name: 'pool',
  title: 'an appliance that does nothing, in a guest that was kept ready for it (QEMU)',
  run: () => inTemporaryFolder(measure),
};

async function measure(folder: string): Promise<Figure[]> {
  const empty = await writeEmptyAppliance(folder, points);
  const ready = await untilDone(folder, empty, true);
  const clones = await untilDone(folder, empty, false);
  return [
    { what: 'pool: assigned to done', unit: 's', samples: ready, target: 0.06 },
    { what: 'the same, by a clone that is started then', unit: 's', samples: clones },
    ...(await throughput(folder, empty)),
  ];
}

/** Seconds from the beginning of an instance to its guest's word that it is done; each machine of the pool is waited for. */
async function untilDone(folder: string, { appliance }: EmptyAppliance, pooled: boolean): Promise<number[]> {
  const prepared = await prepareAppliance(await loadAppliance(appliance), await loadBase('micro'));
  const driver = new QemuDriver({ probeKernel: undefined });
  const probe = await driver.probe();
  if (!probe.available) throw new Error(probe.reason);
  const say = (text: string) => console.error(text);
  await using machines = new WarmPool({ say });
  machines.resize({ most: pooled ? 1 : 0, fill: pooled });
  const start: StartWish = { choice: 'warm', make: 'never', templates: new Templates(say), pool: machines };
  const limits = { boot: 120, total: undefined, powerOff: 60 };
  const flags = { start, force: true, keep: 'files', keepDisks: false, durable: false } as const;
  const samples: number[] = [];
  for (let n = -1; n < instances; n++) {
    const spec = {
      id: `pool-${n + 1}`,
      prepared,
      parameters: { n },
      files: [],
      out: join(folder, 'one'),
      limits,
    };
    let done = NaN;
    const { signal } = new AbortController();
    const result = await runInstance(
      { ...spec, ...flags },
      { driver, probe },
      (event) => {
        if (event.event === 'guest' && event.name === 'done') done = event.time;
      },
      signal,
    );
    if (n >= 0 && (result.pooled ?? false) === pooled) samples.push(done);
    while (pooled && machines.waiting === 0) await sleep(20);
  }
  return samples;
}

/** Whole commands, in turn, per point. */
async function throughput(folder: string, { plan }: EmptyAppliance): Promise<Figure[]> {
  const out = join(folder, 'out');
  const sweep = async (jobs: number, choice: string) => {
    await rm(out, { recursive: true, force: true });
    const how = ['--vmm', 'qemu', '--start', 'warm', '--pool', choice, '-j', String(jobs)];
    return (
      (await timed(() => gva('sweep', 'run', plan, ...how, '--no-cache', '--out', out, '--json'))) / points
    );
  };
  const figures: Figure[] = [];
  for (const jobs of [1, 2]) {
    const samples: Record<string, number[]> = { on: [], off: [] };
    for (let round = 0; round < sweeps; round++)
      for (const choice of ['on', 'off']) samples[choice]?.push(await sweep(jobs, choice));
    for (const choice of ['on', 'off'])
      figures.push({
        what: `sweep, -j ${jobs}, --pool ${choice}: per point`,
        unit: 's',
        samples: samples[choice] ?? [],
      });
  }
  return figures;
}
