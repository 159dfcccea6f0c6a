import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceResult, InstanceTimes } from '../src/model/result.js';
import { templateFiles, templatesFolder } from '../src/system/paths.js';
import { type Benchmark, type Figure, timed } from './benchmark.js';
import { type EmptyAppliance, writeEmptyAppliance } from './empty-appliance.js';
import { gva, inTemporaryFolder, readResult } from './gva.js';

const rounds = 9;
const points = 120;
const templates = 5;

/** Instances that are clones of a saved guest, and what saving one costs. */
export const warmStart: Benchmark = {
  name: 'warm-start',
  title: 'an appliance that does nothing, from a guest that was booted before and saved (QEMU)',
  run: () => inTemporaryFolder(measure),
};

async function measure(folder: string): Promise<Figure[]> {
  const empty = await writeEmptyAppliance(folder, points);
  const made = await templateCosts(folder, empty);
  const single = await singleRuns(folder, empty);
  const { results, perInstance } = await sweeps(folder, empty);
  const moment = (to: keyof InstanceTimes, from?: keyof InstanceTimes) =>
    results.map(({ times }) => (times[to] ?? NaN) - (from === undefined ? 0 : (times[from] ?? NaN)));
  return [
    figure('sweep, -j 1: VMM started to the guest awake', moment('booted', 'staged'), 0.06),
    figure('sweep, -j 1: instance begun to its script running', moment('scriptsStarted'), 0.15),
    figure('sweep, -j 1: instance begun to output collected', moment('collected'), 0.35),
    figure('sweep, -j 2: per instance, whole command (350 a minute)', perInstance, 0.171),
    figure('the same, Debian with systemd (250 a minute)', await systemdSweeps(folder), 0.24),
    figure('gva run: command to script running', single, 0.4),
    figure('template: what it takes beyond a cold boot', made, 0.5),
    {
      what: "one clone's own memory while its script sleeps",
      unit: 'MB',
      samples: await ownMemory(folder),
      target: 35,
    },
  ];
}

const figure = (what: string, samples: readonly number[], target: number): Figure => ({
  ...{ what, unit: 's', samples, target },
});

/** Runs the appliance once; gives its result, and when the command was begun, in milliseconds since 1970. */
async function run(
  folder: string,
  { appliance }: EmptyAppliance,
  start: string,
): Promise<{ result: InstanceResult; begun: number }> {
  const out = join(folder, 'run');
  const begun = Date.now();
  await gva('run', appliance, '--vmm', 'qemu', '--start', start, '--out', out, '--force');
  return { result: await readResult(out), begun };
}

/** Seconds; each template is made anew, each beside a cold start. */
async function templateCosts(folder: string, empty: EmptyAppliance): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < templates; round++) {
    const { times } = (await run(folder, empty, 'cold')).result;
    await rm(templatesFolder(), { recursive: true, force: true });
    await run(folder, empty, 'warm');
    const key = (await readdir(templatesFolder())).find((name) => /^[0-9a-f]{64}$/.test(name)) ?? '';
    const text = await readFile(join(templatesFolder(), key, templateFiles.manifest), 'utf8');
    const { seconds } = JSON.parse(text) as { seconds: number };
    samples.push(seconds - ((times.booted ?? NaN) - (times.staged ?? NaN)));
  }
  return samples;
}

async function singleRuns(folder: string, empty: EmptyAppliance): Promise<number[]> {
  const samples: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const { result, begun } = await run(folder, empty, 'warm');
    const running = Date.parse(result.startedAt) + 1000 * (result.times.scriptsStarted ?? NaN);
    if (round >= 0) samples.push((running - begun) / 1000);
  }
  return samples;
}

/** Seconds per instance, whole command; the template is there. */
async function systemdSweeps(folder: string): Promise<number[]> {
  await gva('base', 'build', 'debian:bookworm', '--profile', 'systemd');
  const { plan } = await writeEmptyAppliance(folder, points, 'debian-bookworm-systemd');
  const [, ...samples] = [
    await sweep(folder, plan, 2),
    await sweep(folder, plan, 2),
    await sweep(folder, plan, 2),
  ];
  return samples;
}

async function sweeps(folder: string, { plan }: EmptyAppliance) {
  const again = () => sweep(folder, plan, 2);
  const perInstance = [await again(), await again(), await again()];
  await sweep(folder, plan, 1);
  const shard = join(folder, 'out/points/0000');
  const names = await readdir(shard);
  const results = await Promise.all(names.map((name) => readResult(join(shard, name))));
  return { results, perInstance };
}

/** Seconds per point. */
async function sweep(folder: string, plan: string, jobs: number): Promise<number> {
  const out = join(folder, 'out');
  await rm(out, { recursive: true, force: true });
  const how = ['--vmm', 'qemu', '--start', 'warm', '--no-cache', '-j', String(jobs), '--out', out];
  return (await timed(() => gva('sweep', 'run', plan, ...how, '--json'))) / points;
}

/** Megabytes that belong to one QEMU alone while its guest sleeps. */
async function ownMemory(folder: string): Promise<number[]> {
  const appliance = join(folder, 'sleeper');
  await mkdir(join(appliance, 'app'), { recursive: true });
  await writeFile(join(appliance, 'gva.yaml'), 'name: sleeper\nrun: sleep 4\n');
  const out = join(folder, 'sleeper-out');
  const samples: number[] = [];
  for (let round = 0; round < 3; round++) {
    const ended = gva('run', appliance, '--vmm', 'qemu', '--start', 'warm', '--out', out, '--force');
    await sleep(2500);
    samples.push(...(await anonymousMemory('gva-sleeper-')));
    await ended;
  }
  return samples;
}

/** Pages of the template's memory file that it only reads belong to nobody alone, whether they are on the disk yet or not. */
async function anonymousMemory(name: string): Promise<number[]> {
  const samples: number[] = [];
  for (const pid of await readdir('/proc')) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (!/^[^\0]*qemu-system/.test(commandLine) || !commandLine.includes(name)) continue;
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => '');
    const kilobytes = Number(/^Anonymous: *(\d+)/m.exec(text)?.[1]);
    samples.push((kilobytes * 1024) / 1e6);
  }
  return samples;
}
