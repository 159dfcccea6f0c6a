import { afterAll, beforeAll } from 'vitest';
import { type ClusterOptions, type SlurmCluster, startCluster } from '../support/slurm-cluster.js';
import { ok } from './cluster-fixture.js';

/** A cluster for all tests of the block. */
export function withSharedCluster(options: ClusterOptions = {}): { readonly cluster: () => SlurmCluster } {
  let cluster: SlurmCluster;
  beforeAll(async () => void (cluster = await startCluster(options)));
  afterAll(() => cluster[Symbol.asyncDispose]());
  return { cluster: () => cluster };
}

/** Gives nodes a feature, so that `--constraint` has jobs on them alone. The controller forgets it when it ends. */
export async function setAside(cluster: SlurmCluster, feature: string, ...nodes: string[]): Promise<void> {
  const features = [`AvailableFeatures=${feature}`, `ActiveFeatures=${feature}`];
  await ok(cluster, 'scontrol', ['update', `NodeName=${nodes.join(',')}`, ...features]);
}
