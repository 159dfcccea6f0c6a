import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { sweepFiles } from '../../src/system/paths.js';
import { eventually } from '../support/gva.js';
import { requireTool } from '../support/tools.js';
import { needsSlurm, slurmScript, withoutSlurm } from '../support/slurm-cluster.js';
import { ok, savedJobs } from './cluster-fixture.js';
import { FaultSweep } from './fault-sweep.js';
import { withSharedCluster } from './with-cluster.js';

// The other two that may fail: Slurm's controller, and the program that runs the sweep. GVA_LONG: as often as the project
// promises.
const kills = process.env['GVA_LONG'] ? 20 : 3;

describe.skipIf(withoutSlurm)(`faults of the controller and the client${needsSlurm}`, () => {
  const { cluster } = withSharedCluster();

  /** A PATH whose sbatch is a shell script; in it, `sbatch` is the real one. */
  async function otherSbatch(sweep: FaultSweep, script: string): Promise<Record<string, string>> {
    const folder = join(sweep.folder, 'bin');
    await mkdir(folder);
    const real = `sbatch() { '${requireTool('sbatch')}' "$@"; }`;
    const once = `rm '${sweep.control('armed')}' 2>/dev/null || { sbatch "$@"; exit; }`;
    await writeFile(join(folder, 'sbatch'), ['#!/bin/sh', real, once, script, ''].join('\n'));
    await chmod(join(folder, 'sbatch'), 0o755);
    await writeFile(sweep.control('armed'), '');
    return { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` };
  }

  const stateOf = async (sweep: FaultSweep) => {
    const text = await readFile(join(sweep.out, sweepFiles.status), 'utf8').catch(() => '{}');
    return (JSON.parse(text) as { state?: string }).state;
  };

  it('a controller that is killed, and started again when the jobs have ended', async () => {
    const sweep = await FaultSweep.make(cluster(), 'killed', { points: 12, bundle: 2 });
    await sweep.hold(0, 2, 4);
    const client = sweep.start();
    for (const point of [0, 2, 4]) await sweep.untilBegun(point);
    // A controller that forgets running jobs drains their nodes when it finds them: it saves every few seconds.
    const { job } = await sweep.firstChunk();
    await ok(cluster(), 'scontrol', ['update', `JobId=${job}_0`, 'Comment=all-of-them-run']);
    await eventually(async () => (await savedJobs(cluster())).includes('all-of-them-run'));
    await cluster().controller('kill');
    await eventually(async () => (await stateOf(sweep)) === 'paused');
    await sweep.release();
    await eventually(async () => (await sweep.nodesOf(5)).length === 1);
    await cluster().controller('start');
    const { said } = await sweep.expectGood(client);
    expect(said).toContain('the grid does not answer');
    for (let point = 0; point < 12; point++) expect(await sweep.nodesOf(point)).toHaveLength(1);
  });

  it('a controller that is frozen while an array is submitted: it is adopted, not submitted twice', async () => {
    const sweep = await FaultSweep.make(cluster(), 'frozen', { points: 6, bundle: 2 });
    const change = (action: string) => `'${slurmScript}' controller '${cluster().folder}' ${action} || exit`;
    const script = [change('freeze'), 'sbatch "$@"', 'status=$?', change('thaw'), 'exit $status'].join('\n');
    const client = sweep.start(await otherSbatch(sweep, script));
    await sweep.expectGood(client);
    // Its answer was lost.
    expect(await sweep.jobs()).toHaveLength(3);
    expect(await sweep.chunks()).toHaveLength(1);
    for (let point = 0; point < 6; point++) expect(await sweep.nodesOf(point)).toHaveLength(1);
  });

  it.each([
    ['before', 'kill -s KILL $PPID'],
    ['after', 'sbatch "$@"; kill -s KILL $PPID'],
  ])('a client that is killed just %s an array is submitted', async (when, script) => {
    const sweep = await FaultSweep.make(cluster(), `client${when}`, { points: 6, bundle: 2 });
    const first = await sweep.start(await otherSbatch(sweep, script)).ended;
    expect(first, first.said).toMatchObject({ code: null });
    expect(await sweep.chunks()).toEqual([]);
    await sweep.expectGood(sweep.start());
    expect(await sweep.jobs()).toHaveLength(3);
    expect(await sweep.chunks()).toHaveLength(1);
    for (let point = 0; point < 6; point++) expect(await sweep.nodesOf(point)).toHaveLength(1);
  });

  it(`a client that is killed ${kills} times at random moments`, { timeout: 1_200_000 }, async () => {
    const points = kills * 8;
    const sweep = await FaultSweep.make(cluster(), 'clients', { points, bundle: 4 });
    await sweep.script('sleep 0.2\n', ...Array(points).keys());
    let survived = 0;
    for (let kill = 0; kill < kills; kill++) {
      const client = sweep.start();
      await Promise.race([client.ended, sleep(300 + Math.random() * 3000)]);
      client.process.kill('SIGKILL');
      if ((await client.ended).code === 0) survived++;
    }
    expect(survived).toBeLessThan(kills);
    await sweep.expectGood(sweep.start());
    for (let point = 0; point < points; point++) expect(await sweep.nodesOf(point)).toHaveLength(1);
  });

  it('a second client is refused while the first one runs', async () => {
    const sweep = await FaultSweep.make(cluster(), 'second', { points: 2, bundle: 1 });
    await sweep.hold(0);
    const client = sweep.start();
    await sweep.untilBegun(0);
    const { code, said } = await sweep.start().ended;
    expect({ code, said }).toMatchObject({ code: 1 });
    expect(said).toContain('SWEEP_IN_USE');
    await sweep.release();
    await sweep.expectGood(client);
    expect(await sweep.jobs()).toHaveLength(2);
  });
});
