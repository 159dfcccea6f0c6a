import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually, temporaryFolder } from '../support/gva.js';
import { runProgram } from '../support/packages.js';
import { needsSlurm, slurmScript, startCluster, withoutSlurm } from '../support/slurm-cluster.js';
import { requireTool } from '../support/tools.js';
import {
  clusterLinks,
  firstNumber,
  isAlive,
  networksWork,
  ok,
  processesOf,
  recorded,
  srun,
} from './cluster-fixture.js';

const isRoot = process.getuid?.() === 0;
const networks = await networksWork();

describe.skipIf(withoutSlurm)(`the end of a Slurm cluster${needsSlurm}`, () => {
  it('leaves no process, whatever state it is in', async () => {
    const cluster = await startCluster({ nodes: 2 });
    const { folder } = cluster;
    const processes: number[] = [];
    const links = await clusterLinks(cluster);
    try {
      // One job ignores the polite request, one leaves its session, one runs where slurmd is dead.
      const jobs = [
        "trap '' TERM; echo $$; while :; do sleep 1; done",
        'setsid sh -c "echo \\$\\$; exec sleep 4000" & wait',
        'echo $$; exec sleep 4000',
      ];
      for (const [index, job] of jobs.entries()) {
        await ok(cluster, 'sbatch', [
          '-w',
          index === 2 ? 'n2' : 'n1',
          `--output=job-${index}`,
          '--wrap',
          job,
        ]);
        processes.push(await firstNumber(join(folder, `job-${index}`)));
      }
      await cluster.node('n2', 'kill');
      await cluster.controller('freeze');
      processes.push(...(await recorded(cluster, 'controller', 'munge', 'watch', 'n1')));
      expect(processes.map(isAlive)).toEqual(Array(7).fill(true));
      expect(await processesOf(folder)).not.toEqual([]);
    } finally {
      await cluster[Symbol.asyncDispose]();
    }
    expect(processes.filter(isAlive)).toEqual([]);
    expect(await processesOf(folder)).toEqual([]);
    expect(links).toHaveLength(networks ? 3 : 0);
    for (const link of links) expect(await readdir('/sys/class/net')).not.toContain(link);
  });

  it('comes with the end of its owner', async () => {
    await using home = await temporaryFolder();
    const owner = spawn('sleep', ['4000']);
    const folder = join(home.path, 'cluster');
    try {
      await runProgram(slurmScript, ['up', folder, '--nodes', '1', '--owner', String(owner.pid)]);
      expect(await processesOf(folder)).not.toEqual([]);
      owner.kill('SIGKILL');
      await eventually(async () => (await processesOf(folder)).length === 0);
    } finally {
      owner.kill('SIGKILL');
      await runProgram(slurmScript, ['down', folder]);
    }
  });

  it('comes with an interrupted start', async () => {
    await using home = await temporaryFolder();
    const folder = join(home.path, 'cluster');
    // Slurm refuses a node with less memory than was said, so that the start waits for it in vain.
    const lacking = ['--memory', '999999999', '--conf', 'SlurmdParameters=shutdown_on_reboot'];
    const up = spawn(slurmScript, ['up', folder, '--nodes', '1', ...lacking], { stdio: 'ignore' });
    const ended = new Promise((resolve) => up.on('exit', resolve));
    try {
      await eventually(() => existsSync(join(folder, 'run/n1')));
      const bridge = await readFile(join(folder, 'run/bridge'), 'utf8').catch(() => 'none');
      up.kill('SIGTERM');
      expect(await ended).toBe(69);
      expect(await processesOf(folder)).toEqual([]);
      expect(await readdir('/sys/class/net')).not.toContain(bridge.trim());
    } finally {
      await runProgram(slurmScript, ['down', folder]);
    }
  });

  it('comes at once where it cannot start, with the reason', async () => {
    await using home = await temporaryFolder();
    const folder = join(home.path, 'cluster');
    const up = runProgram(slurmScript, ['up', folder, '--nodes', '1', '--conf', 'SelectType=select/none']);
    await expect(up).rejects.toMatchObject({
      code: 69,
      stderr: expect.stringContaining('select/none') as string,
    });
    // What was ended takes a moment to be gone.
    await eventually(async () => (await processesOf(folder)).length === 0);
  });
});

describe.skipIf(withoutSlurm)(`what slurm-cluster is asked${needsSlurm}`, () => {
  it.each([
    [['--nodes', '0'], '--nodes: from 1 to 50, not 0'],
    [['--cpus', 'two'], "--cpus: a whole number is needed, not 'two'"],
    [['--memory'], '--memory needs a value'],
    [['--fast'], 'unknown option --fast'],
    [['--cgroups', '--no-namespaces'], '--cgroups is not possible with --no-namespaces'],
    [['--owner', '4194305'], '--owner: there is no process 4194305'],
  ])('refuses up %j', async (options, message) => {
    await using home = await temporaryFolder();
    await expect(
      runProgram(slurmScript, ['up', join(home.path, 'cluster'), ...options]),
    ).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message) as string,
    });
    expect(await readdir(home.path)).toEqual([]);
  });

  it('refuses a folder that no socket fits in, one with a cluster, and one without', async () => {
    await using home = await temporaryFolder();
    const refusal = (message: string) => ({ code: 2, stderr: expect.stringContaining(message) as string });
    const long = join(home.path, 'long'.repeat(24));
    await expect(runProgram(slurmScript, ['up', long])).rejects.toMatchObject(refusal('too long'));
    await expect(runProgram(slurmScript, ['up', join(home.path, 'a"b')])).rejects.toMatchObject(
      refusal('quote'),
    );
    await expect(runProgram(slurmScript, ['down', home.path])).rejects.toMatchObject(
      refusal('there is no cluster'),
    );
    await using cluster = await startCluster({ nodes: 1 });
    const again = runProgram(slurmScript, ['up', cluster.folder]);
    await expect(again).rejects.toMatchObject(refusal('has a cluster already'));
    await srun(cluster, 'n1', 'true');
  });
});

describe.skipIf(withoutSlurm || !isRoot)(
  `a Slurm cluster of an ordinary user${needsSlurm}${isRoot ? '' : ' (all tests here run as one)'}`,
  () => {
    it('runs jobs as that user, beside another cluster', async () => {
      await using home = await temporaryFolder();
      await chmod(home.path, 0o755);
      const folder = join(home.path, 'cluster');
      // The checkout may be where that user cannot look.
      const script = join(home.path, 'slurm-cluster');
      await copyFile(slurmScript, script);
      await mkdir(folder);
      await runProgram('chown', ['nobody', folder]);
      const user = ['--reuid=nobody', '--regid=nogroup', '--clear-groups', '--no-new-privs'];
      const asUser = (...command: string[]) => runProgram(requireTool('setpriv'), [...user, ...command]);
      await using other = await startCluster({ nodes: 1, namespaces: false });
      try {
        await asUser(script, 'up', folder, '--nodes', '2');
        const commands =
          'eval "$("$0" env "$1")"; for n in n1 n2; do srun -w $n sh -c \'echo $SLURMD_NODENAME; id -un\'; done';
        const { stdout } = await asUser('sh', '-c', commands, script, folder);
        expect(stdout).toBe('n1\nnobody\nn2\nnobody\n');
        await srun(other, 'n1', 'true');
      } finally {
        await asUser(script, 'down', folder);
      }
      expect(await processesOf(folder)).toEqual([]);
    });
  },
);
