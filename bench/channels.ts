import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GuestCommand } from '../src/channel/command.js';
import { type FoundInstance, execute, insert, runningInstances } from '../src/instance/control/client.js';
import { packageRoot } from '../src/system/package.js';
import { type Benchmark, type Figure, timed } from './benchmark.js';
import { inTemporaryFolder } from './gva.js';

const rounds = 10;

/** Speaking with a guest while it runs, by the ways that the command line takes, without the start of a process for each. */
export const channels: Benchmark = {
  name: 'channels',
  title: 'commands, files and media for a guest that runs',
  run: () => inTemporaryFolder(measure),
};

async function measure(folder: string): Promise<Figure[]> {
  return [...(await inGuest(folder, 'qemu', measureQemu)), ...(await inGuest(folder, 'uml', measureUml))];
}

async function measureQemu(instance: FoundInstance, folder: string): Promise<Figure[]> {
  const cd = await media(instance, folder, 'cd');
  const mailbox = await media(instance, folder, 'mailbox');
  return [
    { what: 'QEMU: CD swap to the start of its script', unit: 's', samples: cd, target: 0.6 },
    { what: 'QEMU: mailbox disk to the start of its script', unit: 's', samples: mailbox },
    { what: 'virtio-serial: exec of true', unit: 'ms', samples: await execs(instance), target: 50 },
    ...(await copies(instance, 'virtio-serial', 32 << 20, 20)),
    ...(await idleShares(instance)),
  ];
}

/** Of a guest whose script sleeps. Every guest has heartbeats; who looks at drives is stopped for them. */
async function idleShares(instance: FoundInstance): Promise<Figure[]> {
  const both = await idleShare(instance);
  const stop = 'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" != gvad-insert ] || kill -STOP ${p##*/}; done';
  await answer(instance, 'sh', '-c', stop);
  const heartbeats = await idleShare(instance);
  return [
    {
      what: "QEMU: share of the guest's processor for heartbeats",
      unit: 'x',
      samples: [heartbeats],
      target: 0.005,
    },
    {
      what: 'QEMU: the same with looking at drives, as every guest with a channel does',
      unit: 'x',
      samples: [both],
    },
  ];
}

async function measureUml(instance: FoundInstance, folder: string): Promise<Figure[]> {
  const mailbox = await media(instance, folder, 'mailbox');
  return [
    { what: 'User-mode Linux: mailbox disk to the start of its script', unit: 's', samples: mailbox },
    { what: 'serial line: exec of true', unit: 'ms', samples: await execs(instance) },
    ...(await copies(instance, 'serial line', 4 << 20, 1)),
  ];
}

async function inGuest(
  folder: string,
  vmm: string,
  work: (instance: FoundInstance, folder: string) => Promise<Figure[]>,
): Promise<Figure[]> {
  const appliance = join(folder, vmm);
  await mkdir(join(appliance, 'app'), { recursive: true });
  const yaml = `name: bench-${vmm}\noutput: { size: 256M }\nrun: sleep 100000\n`;
  await writeFile(join(appliance, 'gva.yaml'), yaml);
  const words = ['run', appliance, '--channel', '--vmm', vmm, '--out', join(appliance, 'out')];
  const child: ChildProcess = spawn(join(packageRoot, 'bin/gva'), words, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    let instance: FoundInstance | undefined;
    while (!instance) {
      if (child.exitCode !== null) throw new Error(`gva run ended with status ${child.exitCode}`);
      await sleep(100);
      instance = (await runningInstances()).find(
        ({ appliance: name, state }) => name === `bench-${vmm}` && state === 'scriptsStarted',
      );
    }
    await answer(instance, 'true');
    return await work(instance, appliance);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

/** Seconds from the moment when the medium is in its drive to the start of its script, as that is heard here. */
async function media(instance: FoundInstance, folder: string, by: 'cd' | 'mailbox'): Promise<number[]> {
  const source = join(folder, `medium-${by}`);
  await mkdir(join(source, 'script-bin'), { recursive: true });
  await writeFile(join(source, 'script-bin/a'), '#!/bin/sh\n:\n');
  await chmod(join(source, 'script-bin/a'), 0o755);
  const samples: number[] = [];
  for (let n = 0; n <= rounds; n++) {
    const { started } = await insert(instance, source, by);
    // The first one loads modules.
    if (n > 0 && started !== undefined) samples.push(started);
  }
  return samples;
}

async function execs(instance: FoundInstance): Promise<number[]> {
  const samples: number[] = [];
  for (let n = 0; n <= 2 * rounds; n++) {
    const seconds = await timed(() => answer(instance, 'true'));
    if (n > 0) samples.push(1000 * seconds);
  }
  return samples;
}

/** @param least MB/s */
async function copies(instance: FoundInstance, line: string, size: number, least: number): Promise<Figure[]> {
  const bytes = randomBytes(size);
  const seconds: Record<'in' | 'out', number[]> = { in: [], out: [] };
  for (let n = 0; n < 3; n++) {
    seconds.in.push(await timed(() => answer(instance, 'sh', '-c', 'cat >/tmp/bench', bytes)));
    seconds.out.push(await timed(() => answer(instance, 'cat', '/tmp/bench')));
  }
  const megabytes = size / 1e6;
  return (['in', 'out'] as const).map((way) => ({
    what: `${line}: ${Math.round(megabytes)} MB ${way} (target: ${least} MB/s)`,
    unit: 's',
    samples: seconds[way],
    target: megabytes / least,
  }));
}

/** What of its processor's time a guest that waits has used over some seconds, /proc/stat says. */
async function idleShare(instance: FoundInstance): Promise<number> {
  const times = async () => {
    const text = await answer(instance, 'cat', '/proc/stat');
    const [, ...ticks] = (text.split('\n')[0] ?? '').split(/ +/).map(Number);
    const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
    return { idle, all: ticks.slice(0, 8).reduce((sum, each) => sum + each, 0) };
  };
  const before = await times();
  await sleep(30_000);
  const after = await times();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

async function answer(instance: FoundInstance, ...given: (string | Buffer)[]): Promise<string> {
  const words = given.filter((each) => typeof each === 'string');
  const command: GuestCommand = await execute(instance, words);
  const input = given.find((each) => typeof each !== 'string');
  command.stdin.end(input);
  command.stderr.resume();
  const chunks: Buffer[] = [];
  for await (const chunk of command.stdout) chunks.push(chunk as Buffer);
  const { status } = await command.exited;
  if (status !== 0) throw new Error(`${words.join(' ')} ended with status ${status}`);
  return Buffer.concat(chunks).toString('latin1');
}
