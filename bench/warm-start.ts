import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceResult, InstanceTimes } from '../src/model/result.js';
import { templateFiles, templatesFolder } from '../src/system/paths.js';
import { type Benchmark, type Figure, timed } from './benchmark.js';
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
  const plan = await writePlan(folder);
  const made = await templateCosts(folder);
  const single = await singleRuns(folder);
  const { results, perInstance } = await sweeps(folder, plan);
  const moment = (to: keyof InstanceTimes, from?: keyof InstanceTimes) =>
    results.map(({ times }) => (times[to] ?? NaN) - (from === undefined ? 0 : (times[from] ?? NaN)));
  return [
    figure('sweep, -j 1: VMM started to the guest awake', moment('booted', 'staged'), 0.06),
    figure('sweep, -j 1: instance begun to its script running', moment('scriptsStarted'), 0.15),
    figure('sweep, -j 1: instance begun to output collected', moment('collected'), 0.35),
    figure('sweep, -j 2: per instance, whole command (350 a minute)', perInstance, 0.171),
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

async function writePlan(folder: string): Promise<string> {
  const appliance = join(folder, 'empty');
  await mkdir(join(appliance, 'app'), { recursive: true });
  const manifest = 'name: empty\nrun: "true"\nparameters:\n  n: { type: int, default: 1 }\n';
  await writeFile(join(appliance, 'gva.yaml'), manifest);
  const plan = join(folder, 'plan.yaml');
  await writeFile(plan, `appliance: ./empty\nparameters:\n  n: { range: [1, ${points}] }\n`);
  return plan;
}

/** Runs the appliance once; gives its result, and when the command was begun, in milliseconds since 1970. */
async function run(folder: string, start: string): Promise<{ result: InstanceResult; begun: number }> {
  const out = join(folder, 'run');
  const begun = Date.now();
  await gva('run', join(folder, 'empty'), '--vmm', 'qemu', '--start', start, '--out', out, '--force');
  return { result: await readResult(out), begun };
}

/** Seconds; each template is made anew, each beside a cold start. */
async function templateCosts(folder: string): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < templates; round++) {
    const { times } = (await run(folder, 'cold')).result;
    await rm(templatesFolder(), { recursive: true, force: true });
    await run(folder, 'warm');
    const key = (await readdir(templatesFolder())).find((name) => /^[0-9a-f]{64}$/.test(name)) ?? '';
    const text = await readFile(join(templatesFolder(), key, templateFiles.manifest), 'utf8');
    const { seconds } = JSON.parse(text) as { seconds: number };
    samples.push(seconds - ((times.booted ?? NaN) - (times.staged ?? NaN)));
  }
  return samples;
}

async function singleRuns(folder: string): Promise<number[]> {
  const samples: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const { result, begun } = await run(folder, 'warm');
    const running = Date.parse(result.startedAt) + 1000 * (result.times.scriptsStarted ?? NaN);
    if (round >= 0) samples.push((running - begun) / 1000);
  }
  return samples;
}

async function sweeps(folder: string, plan: string) {
  const out = join(folder, 'out');
  const sweep = async (jobs: number) => {
    await rm(out, { recursive: true, force: true });
    const options = [
      '--vmm',
      'qemu',
      '--start',
      'warm',
      '--no-cache',
      '--out',
      out,
      '-j',
      String(jobs),
      '--json',
    ];
    return (await timed(() => gva('sweep', 'run', plan, ...options))) / points;
  };
  const perInstance = [await sweep(2), await sweep(2), await sweep(2)];
  await sweep(1);
  const shard = join(out, 'points/0000');
  const names = await readdir(shard);
  const results = await Promise.all(names.map((name) => readResult(join(shard, name))));
  return { results, perInstance };
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
