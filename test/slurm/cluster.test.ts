import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/gva.js';
import { runProgram } from '../support/packages.js';
import { needsSlurm, slurmScript, startCluster, withoutSlurm } from '../support/slurm-cluster.js';
import {
  firstNumber,
  isAlive,
  networksWork,
  ok,
  reachable,
  recorded,
  savedJobs,
  srun,
  states,
} from './cluster-fixture.js';

const networks = await networksWork();
const limits = networks && ['memory', 'freezer'].every((name) => existsSync(`/sys/fs/cgroup/${name}/tasks`));

describe.skipIf(withoutSlurm)(`a Slurm cluster on this machine${needsSlurm}`, () => {
  it('runs jobs and arrays on every node', async () => {
    await using cluster = await startCluster({ prefix: "gva slurm's (odd) " });
    const names = [];
    for (const name of ['n1', 'n2', 'n3']) names.push(await srun(cluster, name, 'hostname'));
    expect(names).toEqual(cluster.separateNetworks ? ['n1', 'n2', 'n3'] : Array(3).fill(hostname()));
    expect(cluster.separateNetworks).toBe(networks);

    const job = [
      '--array=0-5',
      '--parsable',
      '--output=task-%a',
      '--wrap',
      'echo $SLURM_ARRAY_TASK_ID $(id -u)',
    ];
    const id = (await ok(cluster, 'sbatch', job)).trim();
    expect(id).toMatch(/^\d+$/);
    await eventually(async () => (await states(cluster)).every((state) => state === 'COMPLETED'));
    for (let task = 0; task < 6; task++)
      expect(await readFile(join(cluster.folder, `task-${task}`), 'utf8')).toBe(
        `${task} ${process.getuid?.()}\n`,
      );
  });

  it('has its environment said by the script, for any shell', async () => {
    await using cluster = await startCluster({ nodes: 1, prefix: "gva slurm's $(odd) " });
    const { stdout } = await runProgram('sh', [
      '-c',
      'settings=$("$0" env "$1") && eval "$settings" && sh -c \'printf %s "$SLURM_CONF"\'',
      ...[slurmScript, cluster.folder],
    ]);
    expect(stdout).toBe(cluster.env.SLURM_CONF);
  });

  it('takes limits and settings of its own', async () => {
    await using cluster = await startCluster({
      ...{ nodes: 1, cpus: 4, memory: 3000, maxArraySize: 21, maxJobCount: 40 },
      configuration: { MinJobAge: 7 },
    });
    const settings = await ok(cluster, 'scontrol', ['show', 'config']);
    expect(settings).toMatch(/^MaxArraySize += 21$/m);
    expect(settings).toMatch(/^MaxJobCount += 40$/m);
    expect(settings).toMatch(/^MinJobAge += 7 sec$/m);
    expect((await cluster.run('sbatch', ['--array=0-21', '--wrap', 'true'])).stderr).toContain(
      'Invalid job array',
    );
    expect(await ok(cluster, 'sinfo', ['-h', '-o', '%D %c %m'])).toBe('1 4 3000\n');
  });

  it('has nodes that are killed, crash, and come back', async () => {
    await using cluster = await startCluster({ nodes: 2 });
    const job = ['-w', 'n2', '--no-requeue', '--output=job', '--wrap', 'echo $$; exec sleep 4000'];
    await ok(cluster, 'sbatch', job);
    const task = await firstNumber(join(cluster.folder, 'job'));
    const [daemon] = await recorded(cluster, 'n2');

    await cluster.node('n2', 'kill');
    expect([isAlive(daemon!), isAlive(task)]).toEqual([false, true]);
    await cluster.node('n2', 'start');
    expect(isAlive(task)).toBe(true);
    await srun(cluster, 'n2', 'true');

    // A node that crashes while it clears up after a job is not given another for a minute.
    await eventually(async () => (await ok(cluster, 'squeue', ['-h', '-t', 'completing'])) === '');
    await cluster.node('n2', 'crash');
    expect(isAlive(task)).toBe(false);
    await cluster.node('n2', 'start');
    await srun(cluster, 'n2', 'true');

    await cluster.node('n2', 'stop');
    expect(await recorded(cluster, 'n2')).toEqual([]);
    await cluster.node('n2', 'start');
    await expect(cluster.node('n2', 'start')).rejects.toThrow('n2 runs already');
    await expect(cluster.node('n3', 'start')).rejects.toThrow('there is no node n3 here');
  });

  it('drains nodes and takes them up again', async () => {
    await using cluster = await startCluster({ nodes: 2 });
    const state = async () => (await ok(cluster, 'sinfo', ['-h', '-n', 'n1', '-o', '%T'])).trim();
    await cluster.node('n1', 'drain');
    expect(await state()).toBe('drained');
    await cluster.node('n1', 'resume');
    // A star: it has not answered yet.
    expect(await state()).toMatch(/^idle\*?$/);
  });

  it.skipIf(!networks)(
    `cuts a node off and joins it again${networks ? '' : ' (needs root and network namespaces)'}`,
    async () => {
      await using cluster = await startCluster({ nodes: 2, namespaces: true });
      expect(await reachable(cluster, 'n2')).toBe(true);
      await cluster.node('n2', 'partition');
      expect(await reachable(cluster, 'n2')).toBe(false);
      expect(await reachable(cluster, 'n1')).toBe(true);
      await cluster.node('n2', 'heal');
      await eventually(() => reachable(cluster, 'n2'));
    },
  );

  it('says that nodes without networks of their own cannot be cut off', async () => {
    await using cluster = await startCluster({ nodes: 1, namespaces: false });
    await expect(cluster.node('n1', 'partition')).rejects.toThrow('cannot be cut');
  });

  it.skipIf(!limits)(
    `enforces memory limits${limits ? '' : ' (needs root, namespaces and cgroup v1)'}`,
    async () => {
      await using cluster = await startCluster({ nodes: 1, cgroups: true });
      const greedy = 'head -c 200m /dev/zero | tail | wc -c';
      await ok(cluster, 'sbatch', ['--mem=50', '--output=job', '--wrap', greedy]);
      await eventually(async () => (await states(cluster)).join() === 'OUT_OF_MEMORY');
    },
  );

  it('has a controller that is killed, and knows its jobs when it is back', async () => {
    await using cluster = await startCluster({ nodes: 1 });
    const job = 'until [ -e go ]; do sleep 0.2; done; echo done >result';
    await ok(cluster, 'sbatch', ['-J', 'gva-remembered', '--wrap', job]);
    // Slurm answers before it has written the job down: a controller killed at once has lost it.
    await eventually(async () => (await savedJobs(cluster)).includes('gva-remembered'));
    await cluster.controller('kill');
    expect((await cluster.run('squeue', ['--me'])).code).not.toBe(0);
    await cluster.controller('start');
    expect(await ok(cluster, 'squeue', ['--me', '-h', '-o', '%j'])).toBe('gva-remembered\n');
    await writeFile(join(cluster.folder, 'go'), '');
    await eventually(async () => (await states(cluster)).join() === 'COMPLETED');
    expect(await readFile(join(cluster.folder, 'result'), 'utf8')).toBe('done\n');
  });

  it('has a controller that freezes and thaws', async () => {
    await using cluster = await startCluster({ nodes: 1 });
    const [controller] = await recorded(cluster, 'controller');
    const state = async () => (await readFile(`/proc/${controller}/stat`, 'latin1')).replace(/.*\) /s, '')[0];
    await cluster.controller('freeze');
    await eventually(async () => (await state()) === 'T');
    await cluster.controller('thaw');
    await ok(cluster, 'sinfo', []);
  });
});
