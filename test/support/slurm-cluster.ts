import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { packageRoot } from '../../src/system/package.js';
import type { Outcome } from './gva.js';

/** Starts and stops clusters; what its options mean is at its head. */
export const slurmScript = join(packageRoot, 'scripts/slurm-cluster');

const missing = ['slurmctld', 'slurmd', 'srun', 'munged'].filter((name) => !isInstalled(name));

/** For `describe.skipIf`. */
export const withoutSlurm = missing.length > 0;

/** Ends a test's name; says why it is skipped. */
export const needsSlurm = withoutSlurm ? ` (needs ${missing.join(', ')}: scripts/setup --for slurm)` : '';

export interface ClusterOptions {
  /** 3 unless told. */
  readonly nodes?: number;
  /** Of each node; 2 unless told. */
  readonly cpus?: number;
  /** MB of each node, as Slurm counts; enforced with `cgroups` only. */
  readonly memory?: number;
  /** A network and host name for each node. Undefined: where that is possible; true: must be. */
  readonly namespaces?: boolean;
  readonly cgroups?: boolean;
  readonly maxArraySize?: number;
  readonly maxJobCount?: number;
  /** More of slurm.conf, such as `{ MinJobAge: 2 }`. */
  readonly configuration?: Readonly<Record<string, string | number>>;
  /** Begins the folder's name. */
  readonly prefix?: string;
}

export type NodeAction = 'start' | 'stop' | 'kill' | 'crash' | 'partition' | 'heal' | 'drain' | 'resume';
export type ControllerAction = 'start' | 'stop' | 'kill' | 'freeze' | 'thaw';

/** A running cluster of Slurm on this machine; disposing it ends all its processes and removes its folder. */
export interface SlurmCluster extends AsyncDisposable {
  readonly folder: string;
  /** What a program needs in its environment to speak to this cluster and no other. */
  readonly env: { readonly SLURM_CONF: string };
  /** Nodes have networks of their own, so that they can be partitioned. */
  readonly separateNetworks: boolean;
  /** Runs a program such as `sbatch` to its end, in the cluster's folder; its failure is in the code. */
  run(command: string, args: readonly string[]): Promise<Outcome>;
  /** Throws where it cannot be done, with the script's words. */
  node(name: string, action: NodeAction): Promise<void>;
  /** Throws where it cannot be done, with the script's words. */
  controller(action: ControllerAction): Promise<void>;
}

/** All nodes are idle when it is there. It goes down with this process, too, however that ends. */
export async function startCluster(options: ClusterOptions = {}): Promise<SlurmCluster> {
  const folder = await mkdtemp(join(tmpdir(), options.prefix ?? 'gva-slurm-'));
  try {
    await slurmCluster('up', folder, ...upArguments(options), '--owner', String(process.pid));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  const env = { SLURM_CONF: join(folder, 'slurm.conf') };
  return {
    ...{ folder, env, separateNetworks: existsSync(join(folder, 'run/bridge')) },
    run: (command, args) => runIn(folder, { ...withoutSlurmSettings(process.env), ...env }, command, args),
    node: (name, action) => slurmCluster('node', folder, name, action),
    controller: (action) => slurmCluster('controller', folder, action),
    async [Symbol.asyncDispose]() {
      await slurmCluster('down', folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function upArguments(options: ClusterOptions): string[] {
  const values = {
    '--nodes': options.nodes,
    '--cpus': options.cpus,
    '--memory': options.memory,
    '--max-array-size': options.maxArraySize,
    '--max-job-count': options.maxJobCount,
  };
  const namespaces = { true: ['--namespaces'], false: ['--no-namespaces'], undefined: [] };
  return [
    ...Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)])),
    ...namespaces[`${options.namespaces}`],
    ...(options.cgroups ? ['--cgroups'] : []),
    ...Object.entries(options.configuration ?? {}).flatMap(([key, value]) => ['--conf', `${key}=${value}`]),
  ];
}

async function slurmCluster(...args: string[]): Promise<void> {
  const { code, stderr } = await runIn(tmpdir(), process.env, slurmScript, args);
  if (code !== 0) throw new Error(`slurm-cluster ${args.join(' ')} ended with ${code}:\n${stderr}`);
}

function runIn(
  cwd: string,
  env: NodeJS.ProcessEnv,
  command: string,
  args: readonly string[],
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, env, timeout: 200_000 }, (error, stdout, stderr) => {
      // No number: it could not be started, or was killed.
      if (error && typeof error.code !== 'number')
        reject(new Error(`${command} did not run to its end`, { cause: error }));
      else resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

/** Somebody's own settings for Slurm, or a job that these tests run in, must not change what they ask of the cluster. */
function withoutSlurmSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const theirs = /^(SLURM|SBATCH|SRUN|SQUEUE|SINFO|SCANCEL)/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !theirs.test(name)));
}

function isInstalled(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
