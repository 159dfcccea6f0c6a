import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../src/system/package.js';
import { execute } from './gva.js';

export interface ClusterSize {
  readonly nodes: number;
  /** Of each node. */
  readonly cpus: number;
}

/** Has a Slurm cluster on this machine while it works with the environment that leads to it. */
export async function withCluster<T>(
  folder: string,
  { nodes, cpus }: ClusterSize,
  work: (env: NodeJS.ProcessEnv) => Promise<T>,
): Promise<T> {
  const cluster = join(folder, 'cluster');
  await mkdir(cluster);
  const script = join(packageRoot, 'scripts/slurm-cluster');
  const options = ['--nodes', String(nodes), '--cpus', String(cpus), '--owner', String(process.pid)];
  await execute(script, ['up', cluster, ...options]);
  try {
    return await work({ ...process.env, SLURM_CONF: join(cluster, 'slurm.conf') });
  } finally {
    await execute(script, ['down', cluster]);
  }
}
