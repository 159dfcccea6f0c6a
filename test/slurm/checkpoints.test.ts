import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listChunks, readChunk } from '../../src/grid/chunks.js';
import { removeAbandoned } from '../../src/instance/scratch.js';
import { gridChunk, gridFiles, pointCheckpoint, pointFolder } from '../../src/system/paths.js';
import { eventually, gva, outputBytes, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';
import { needsSlurm, withoutSlurm } from '../support/slurm-cluster.js';
import { ok, processesOf } from './cluster-fixture.js';
import { withSharedCluster } from './with-cluster.js';

/** Counts to a checksum for a while, and leaves a trace of each step: on its disks, and in memory. */
const job = `i=0 sum=$1
while [ $i -lt 300000 ]; do
  i=$((i+1)) sum=$(( (sum * 31 + i) % 1000003 ))
  case $i in *000) echo "$i $sum" >>steps; echo "$i" >/app/last; echo $i >/dev/shm/last 2>/dev/null ;; esac
done
cat /app/last steps | md5sum >trace
echo $sum >sum`;

describe.skipIf(withoutSlurm)(`guests that outlast their jobs${needsSlurm}`, () => {
  // The time that clusters give a job from SIGTERM on, as a rule.
  const { cluster } = withSharedCluster({ configuration: { KillWait: 30 } });
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let env: Record<string, string>;
  const there = () => join(folder.path, 'there');

  beforeAll(async () => {
    folder = await temporaryFolder();
    const [config, nodes] = [join(folder.path, 'config/gva'), join(folder.path, 'nodes')];
    await mkdir(config, { recursive: true });
    await writeFile(
      join(config, 'config.yaml'),
      [
        'grid:',
        '  setup: |',
        `    export GVA_NODE_CACHE='${nodes}'/$SLURMD_NODENAME/cache GVA_SCRATCH='${nodes}'/$SLURMD_NODENAME/scratch`,
        '    mkdir -p "$GVA_NODE_CACHE" "$GVA_SCRATCH"',
      ].join('\n'),
    );
    env = {
      ...{ ...cluster().env, GVA_SCRATCH: folder.path, XDG_RUNTIME_DIR: folder.path },
      XDG_CONFIG_HOME: join(folder.path, 'config'),
    };
    const yaml = 'parameters: { seed: { type: int } }\noutput: { size: 4M }\n';
    await writeAppliance(join(folder.path, 'a'), { yaml, job });
    await writeFile(
      join(folder.path, 'plan.yaml'),
      'appliance: ./a\nparameters: { seed: { range: [1, 2] } }\n',
    );
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  const sweep = (...words: string[]) => gva(['sweep', ...words], env, folder.path, 1500);

  /** What jobs have said, all in one. */
  async function logs(): Promise<string> {
    const texts: string[] = [];
    for (let chunk = 1; chunk < (await listChunks(there())).next; chunk++) {
      const names = join(gridChunk(there(), chunk), gridFiles.logs);
      for (const name of await readdir(names)) texts.push(await readFile(join(names, name), 'utf8'));
    }
    return texts.join('');
  }

  const isSaved = async (point: number) =>
    (await readdir(pointCheckpoint(there(), point)).catch(() => [])).some((attempt) =>
      existsSync(join(pointCheckpoint(there(), point), attempt, 'checkpoint.json')),
    );

  it(
    'give the same bytes as undisturbed ones, after a signal to all of a job and after a cancellation',
    { timeout: 1_800_000 },
    async () => {
      const common = ['--vmm', 'qemu', '--start', 'cold', '--no-cache'];
      const here = await sweep('run', 'plan.yaml', '--out', 'here', '-j', '2', ...common);
      expect(here.code, here.stderr).toBe(0);
      const options = ['--grid', 'slurm', '--bundle', '1', '--checkpoint-every', '3s', ...common];
      const client = sweep('run', 'plan.yaml', '--out', 'there', ...options);
      await eventually(async () => (await isSaved(0)) && (await isSaved(1)));
      const { job: array } = (await readChunk(there(), 1)) ?? {};
      // As a preemption does: to the batch script and all its children, and nothing is said about it.
      await ok(cluster(), 'scancel', ['--full', '--signal=TERM', `${array}_0`]);
      await ok(cluster(), 'scancel', [`${array}_1`]);
      const first = await client;
      expect(first.stderr).toContain('it was saved when its job ended');
      expect(JSON.parse((await sweep('status', 'there', '--json')).stdout)).toMatchObject({
        counts: { done: 1, pending: 1, lost: 0 },
      });
      expect(await isSaved(1)).toBe(true);
      expect(existsSync(pointFolder(there(), 1))).toBe(false);
      const second = await sweep('resume', 'there');
      expect(second.code, second.stderr).toBe(0);
      for (const point of [0, 1]) {
        const result = await readResult(pointFolder(there(), point));
        expect(result).toMatchObject({ state: 'done', resumed: 1 });
        const bytes = await outputBytes(pointFolder(there(), point));
        expect(bytes).toEqual(await outputBytes(pointFolder(join(folder.path, 'here'), point)));
        expect(Object.keys(bytes)).toEqual(expect.arrayContaining(['steps', 'sum', 'trace']));
        expect(existsSync(pointCheckpoint(there(), point))).toBe(false);
        expect(await logs()).toContain(`point ${point}: goes on from the checkpoint of `);
      }
      await eventually(async () => (await processesOf(there())).length === 0);
      for (const node of await readdir(join(folder.path, 'nodes'))) {
        const scratch = join(folder.path, 'nodes', node, 'scratch');
        await removeAbandoned(scratch);
        expect(await readdir(scratch)).toEqual([]);
      }
    },
  );

  it('are none under User-mode Linux, which is said before anything is submitted', async () => {
    const words = ['--grid', 'slurm', '--vmm', 'uml', '--checkpoint-every', '1m'];
    const { code, stderr } = await sweep('run', 'plan.yaml', '--out', 'uml', ...words);
    expect(code).not.toBe(0);
    expect(stderr).toContain('uml cannot save a running machine');
    expect(await ok(cluster(), 'squeue', ['-h'])).toBe('');
  });
});
