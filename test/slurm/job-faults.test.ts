import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gridFiles } from '../../src/system/paths.js';
import { eventually } from '../support/gva.js';
import { runProgram } from '../support/packages.js';
import { needsSlurm, withoutSlurm } from '../support/slurm-cluster.js';
import { ok, recorded } from './cluster-fixture.js';
import { FaultSweep, type FaultWishes } from './fault-sweep.js';
import { setAside, withSharedCluster } from './with-cluster.js';

// Whatever happens to jobs and nodes, every point is there once in the end, with the right output, and nothing is left
// over. The tests wait for Slurm most of the time, so they run side by side, each on two nodes of its own.

describe.skipIf(withoutSlurm).concurrent(`faults of jobs and nodes${needsSlurm}`, () => {
  const { cluster } = withSharedCluster({ nodes: 18 });
  let pairs = 0;

  /** A sweep that has two nodes for itself. */
  async function onTwoNodes(name: string, wishes: Partial<FaultWishes> = {}) {
    const nodes = [++pairs * 2 - 1, pairs * 2].map((number) => `n${number}`);
    await setAside(cluster(), name, ...nodes);
    const options = { constraint: name, ...wishes.options };
    const sweep = await FaultSweep.make(cluster(), name, { points: 6, bundle: 2, ...wishes, options });
    return { sweep, nodes, another: (node: string) => nodes.find((other) => other !== node)! };
  }

  it('jobs that exit with 7 or by SEGV, before and while they work', async () => {
    // The first job of each node ends before its worker begins.
    const setup = 'mkdir "$control/$SLURMD_NODENAME" 2>/dev/null && exit 7 || :';
    const { sweep } = await onTwoNodes('exit', { setup });
    await sweep.hold(3);
    const client = sweep.start();
    await sweep.untilBegun(3);
    const began = (await sweep.records()).filter(({ record }) => record === 'began');
    for (const record of began) if ('pid' in record) kill(record.pid, 'SIGSEGV');
    await sweep.untilBegun(3, 2);
    await sweep.release();
    await sweep.expectGood(client);
    expect((await sweep.jobs()).filter((job) => job.endsWith('FAILED')).length).toBeGreaterThanOrEqual(2);
  });

  it('a running task that somebody cancels: not run again before a person asks', async () => {
    const { sweep } = await onTwoNodes('scancel');
    await sweep.hold(2);
    const client = sweep.start();
    await sweep.untilBegun(2);
    const { job } = await sweep.firstChunk();
    await ok(cluster(), 'scancel', [`${job}_1`]);
    const { summary, said } = await client.ended;
    expect(summary?.counts, said).toEqual({ pending: 2, done: 4, failed: 0, lost: 0 });
    expect(await sweep.nodesOf(2)).toHaveLength(1);
    await sweep.release();
    await sweep.expectGood(sweep.start());
    expect(await sweep.nodesOf(2)).toHaveLength(2);
    expect(await sweep.nodesOf(0)).toHaveLength(1);
  });

  it('a task that comes to its time limit: once more, with more time', async () => {
    const { sweep } = await onTwoNodes('timelimit', { time: 600, growth: { memory: 1, time: 2 } });
    await sweep.script('[ $(grep -c "^4 " "$control/began") -gt 1 ] || sleep 4000\n', 4);
    const client = sweep.start();
    await sweep.untilBegun(4);
    // The end of a job that runs can be brought forward; not to `now`, which is past when a busy controller reads it.
    const { job } = await sweep.firstChunk();
    await ok(cluster(), 'scontrol', ['update', `JobId=${job}_2`, 'EndTime=now+20']);
    const { said } = await sweep.expectGood(client);
    expect(said).toContain('"cause":"time-limit"');
    expect(await sweep.nodesOf(4)).toHaveLength(2);
    // Its bundle's other point had not begun.
    expect(await sweep.nodesOf(5)).toHaveLength(1);
    const [, second] = await sweep.chunks();
    expect(JSON.parse(await readFile(join(second!.folder, gridFiles.array), 'utf8'))).toMatchObject({
      resources: { seconds: 1200 },
    });
  });

  it.for(['killed', 'partitioned'] as const)(
    'a node whose daemon is %s, and whose job goes on: the first result counts',
    async (fault, context) => {
      const impossible = fault === 'partitioned' && !cluster().separateNetworks;
      context.skip(impossible, 'needs nodes with networks of their own (root)');
      const { sweep, another } = await onTwoNodes(fault);
      await sweep.hold(2);
      const client = sweep.start();
      const node = await sweep.untilBegun(2);
      await cluster().node(node, fault === 'killed' ? 'kill' : 'partition');
      expect(await sweep.untilBegun(2, 2)).toBe(another(node));
      // Both of them now bring it to its end.
      await sweep.release();
      await client.ended;
      const ends = async () =>
        (await sweep.records()).filter((one) => one.record === 'point-ended' && one.point === 2);
      await eventually(async () => (await ends()).length === 2);
      expect((await ends()).map((one) => 'published' in one && one.published).sort()).toEqual([false, true]);
      await cluster().node(node, fault === 'killed' ? 'start' : 'heal');
      const { said } = await sweep.expectGood(client);
      expect(said).toContain('"cause":"node-failed"');
    },
  );

  it('a node that crashes with all that runs on it', async () => {
    const { sweep, another } = await onTwoNodes('crashed');
    await sweep.hold(2);
    const client = sweep.start();
    const node = await sweep.untilBegun(2);
    await cluster().node(node, 'crash');
    expect(await sweep.untilBegun(2, 2)).toBe(another(node));
    await sweep.release();
    await sweep.expectGood(client);
    await cluster().node(node, 'start');
  });

  it('a node that is drained: what runs there ends there, the rest runs elsewhere', async () => {
    const { sweep, another } = await onTwoNodes('drained', { points: 12 });
    await sweep.hold(0, 2, 4, 6);
    const client = sweep.start();
    const node = await sweep.untilBegun(0);
    await cluster().node(node, 'drain');
    await sweep.release();
    const { said } = await sweep.expectGood(client);
    expect(said).not.toContain('point-again');
    expect(await sweep.nodesOf(0)).toEqual([node]);
    expect(await sweep.nodesOf(10)).toEqual([another(node)]);
    await cluster().node(node, 'resume');
  });

  it('a folder for logs that is gone', async () => {
    const { sweep } = await onTwoNodes('nologs', { points: 4, bundle: 4, options: { extra: ['--hold'] } });
    const client = sweep.start();
    const { job, folder } = await sweep.firstChunk();
    await rm(join(folder, gridFiles.logs), { recursive: true });
    await ok(cluster(), 'scontrol', ['release', job]);
    await eventually(async () => (await sweep.chunks()).length === 2);
    await ok(cluster(), 'scontrol', ['release', (await sweep.chunks())[1]!.job]);
    const { said } = await sweep.expectGood(client);
    expect(said).toContain('"cause":"logs-gone"');
    // That was no fault of the node's.
    const intent = await readFile(join((await sweep.chunks())[1]!.folder, gridFiles.array), 'utf8');
    expect(JSON.parse(intent)).toMatchObject({ exclude: [] });
  });

  it('a folder for logs that is full on one node', async (context) => {
    context.skip(!cluster().separateNetworks, 'needs nodes with mounts of their own (root)');
    const { sweep, nodes, another } = await onTwoNodes('fulllogs', {
      ...{ points: 4, bundle: 4, options: { extra: ['--hold'] } },
    });
    const client = sweep.start();
    const { job, folder } = await sweep.firstChunk();
    const [daemon] = await recorded(cluster(), nodes[0]!);
    const logs = join(folder, gridFiles.logs);
    // Room for the folder alone.
    const mount = ['mount', '-t', 'tmpfs', '-o', 'size=4k,nr_inodes=1', 'full', logs];
    await runProgram('nsenter', ['-t', String(daemon), '-m', ...mount]);
    await ok(cluster(), 'scontrol', ['update', `JobId=${job}`, `ReqNodeList=${nodes[0]!}`]);
    await ok(cluster(), 'scontrol', ['release', job]);
    await eventually(async () => (await sweep.chunks()).length === 2);
    await ok(cluster(), 'scontrol', ['release', (await sweep.chunks())[1]!.job]);
    await sweep.expectGood(client);
    expect(await sweep.nodesOf(0)).toEqual([another(nodes[0]!)]);
  });
});

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
