import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gridFiles } from '../../src/system/paths.js';
import { needsSlurm, withoutSlurm } from '../support/slurm-cluster.js';
import { FaultSweep } from './fault-sweep.js';
import { withSharedCluster } from './with-cluster.js';

// Slurm enforces the memory of jobs by cgroups. Elsewhere, the scripted engine says that a job was out of memory.
const withoutCgroups = process.getuid?.() !== 0 || !existsSync('/sys/fs/cgroup/memory/memory.limit_in_bytes');
const needsCgroups = withoutCgroups ? ' (needs root and cgroups of version 1, with memory)' : '';

describe.skipIf(withoutSlurm || withoutCgroups)(`too little memory${needsSlurm}${needsCgroups}`, () => {
  const { cluster } = withSharedCluster({ nodes: 1, cgroups: true });

  it('a guest that takes more than its job has: once more, with more', async () => {
    const growth = { memory: 3, time: 1 };
    const sweep = await FaultSweep.make(cluster(), 'memory', { points: 4, bundle: 2, growth });
    // More than a job has, less than three times as much.
    await sweep.script('head -c 1200M /dev/zero | tail -c 1200M >/dev/null || exit 137\n', 2);
    await sweep.expectGood(sweep.start());
    expect(await sweep.nodesOf(2)).toHaveLength(2);
    const chunks = await sweep.chunks();
    const arrays = chunks.map(({ folder }) => readFile(join(folder, gridFiles.array), 'utf8'));
    const memory = (await Promise.all(arrays)).map(
      (text) => (JSON.parse(text) as { resources: { memory: number } }).resources.memory,
    );
    expect(memory[1]).toBe(3 * memory[0]!);
  });
});
