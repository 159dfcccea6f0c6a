import { readFileSync } from 'node:fs';
import { readFile, readdir, readlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import { eventually, processesWith } from '../support/gva.js';
import { runProgram } from '../support/packages.js';
import type { SlurmCluster } from '../support/slurm-cluster.js';

/** What a command says, which must succeed. */
export async function ok(cluster: SlurmCluster, command: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.run(command, args);
  expect(code, `${command} ${args.join(' ')}: ${stderr}`).toBe(0);
  return stdout;
}

export async function srun(cluster: SlurmCluster, node: string, ...command: string[]): Promise<string> {
  return (await ok(cluster, 'srun', ['-w', node, ...command])).trim();
}

/** Of all jobs that Slurm remembers, one for each task. */
export async function states(cluster: SlurmCluster): Promise<string[]> {
  return (await ok(cluster, 'squeue', ['-h', '-r', '-t', 'all', '-o', '%T'])).trim().split('\n');
}

/** Numbers of the daemons of that name that run, as the script has noted them. */
export async function recorded(cluster: SlurmCluster, ...names: string[]): Promise<number[]> {
  const texts = names.map((name) => readFile(join(cluster.folder, 'run', name), 'utf8').catch(() => ''));
  return (await Promise.all(texts)).filter((text) => text !== '').map((text) => Number.parseInt(text));
}

/** The number that a file begins with, as soon as it does. */
export async function firstNumber(path: string): Promise<number> {
  let text = '';
  await eventually(async () => (text = await readFile(path, 'utf8').catch(() => '')).includes('\n'));
  return Number.parseInt(text);
}

/** What the controller would remember if it were killed now. */
export async function savedJobs(cluster: SlurmCluster): Promise<string> {
  return await readFile(join(cluster.folder, 'state/job_state'), 'latin1').catch(() => '');
}

/** What is dead and only not yet reaped is not. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Processes that have a folder in their command line, environment or as working folder. */
export async function processesOf(folder: string): Promise<number[]> {
  const found = new Set(await processesWith(folder));
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const environment = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '');
    const cwd = await readlink(`/proc/${name}/cwd`).catch(() => '');
    if (environment.includes(folder) || cwd.startsWith(folder)) found.add(Number(name));
  }
  return [...found];
}

/** The bridge and what hangs on it. */
export async function clusterLinks(cluster: SlurmCluster): Promise<string[]> {
  if (!cluster.separateNetworks) return [];
  const bridge = (await readFile(join(cluster.folder, 'run/bridge'), 'utf8')).trim();
  return (await readdir('/sys/class/net')).filter((name) => name.startsWith(bridge));
}

/** Whether a node's daemon can be spoken to from here. */
export async function reachable(cluster: SlurmCluster, node: string): Promise<boolean> {
  const description = await ok(cluster, 'scontrol', ['show', 'node', node]);
  const host = /NodeAddr=(\S+)/.exec(description)?.[1] ?? '';
  const port = Number(/Port=(\d+)/.exec(description)?.[1]);
  return await new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 5000 });
    const answer = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.on('connect', () => answer(true));
    socket.on('timeout', () => answer(false));
    socket.on('error', () => answer(false));
  });
}

/** Whether this host lets us make networks. */
export async function networksWork(): Promise<boolean> {
  const link = `gvatry${process.pid}`;
  const both = `ip link add ${link} type bridge && ip link delete ${link} && ip netns add ${link} && ip netns delete ${link}`;
  return await runProgram('sh', ['-c', both]).then(
    () => true,
    () => false,
  );
}
