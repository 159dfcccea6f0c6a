import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SweepSummary } from '../../src/model/sweep.js';
import type { SweepStatus } from '../../src/model/sweep-status.js';
import { packageRoot } from '../../src/system/package.js';
import { doneScript } from '../../src/vmm/fake/driver.js';
import { type TestHome, makeTestHome, squareManifest, writeAppliance } from '../support/fake-appliance.js';
import {
  eventually,
  noneLeft,
  readResult,
  gvaProgram,
  writeAppliance as writeFolder,
} from '../support/gva.js';
import { type MemoryGroup, makeMemoryGroup, needsMemoryGroups } from '../support/memory-group.js';
import { endedWith, readN, started } from '../sweep/sweep-home.js';

// What the kernel does where memory is short: it kills. Long: more points, and it kills more often.
const [points, kills] = process.env['GVA_LONG'] ? [2000, 20] : [60, 3];
/** Where bases are. */
const { XDG_DATA_HOME = '' } = process.env;

let home: TestHome;
let out: string;
beforeEach(async () => {
  home = await makeTestHome();
  out = join(home.folder, 'out');
});
afterEach(async () => {
  await noneLeft(home.folder);
  await home[Symbol.asyncDispose]();
});

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const [program = '', ...args] = words;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const ended = Promise.all([
    child.stdout.setEncoding('utf8').toArray() as Promise<string[]>,
    child.stderr.setEncoding('utf8').toArray() as Promise<string[]>,
    once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>,
  ]).then(([stdout, stderr, [code, signal]]): Ended => {
    return { code, signal, stdout: stdout.join(''), stderr: stderr.join('') };
  });
  return { child, ended };
}

async function writeSweep(count: number): Promise<string[]> {
  await writeAppliance(home.folder, squareManifest);
  const plan = `appliance: ./square\nparameters: { n: { range: [1, ${count}] } }\n`;
  await writeFile(join(home.folder, 'plan.yaml'), plan);
  const program = join(packageRoot, 'test/support/fake-sweep.mjs');
  return [process.execPath, program, join(home.folder, 'plan.yaml'), out];
}

const endedPoints = async () => (await readdir(join(out, 'points/0000')).catch(() => [])).length;

/** Takes all memory of its group, until it is killed. */
const hog = (group: MemoryGroup) => start([...group.inside(), 'tail', '/dev/zero']);

async function expectWhole(summary: SweepSummary, count: number): Promise<void> {
  expect(summary.counts).toEqual({ pending: 0, done: count, failed: 0, lost: 0 });
  const rows = (await readFile(join(out, 'results.csv'), 'utf8')).trimEnd().split('\r\n').slice(1);
  expect(rows.map((row) => row.split(',').slice(0, 4).join(','))).toEqual(
    Array.from({ length: count }, (_, index) => `${index},${index + 1},fast,done`),
  );
  expect(await readdir(home.scratch)).toEqual([]);
}

describe.skipIf(needsMemoryGroups !== '')(`memory is short${needsMemoryGroups}`, () => {
  it(
    `a sweep of ${points} points that the OOM killer ends ${kills} times has every point once`,
    { timeout: 900_000 },
    async () => {
      const command = await writeSweep(points);
      const env = { GVA_FAKE_SCRIPT: `sleep 0.1\n${doneScript}` };
      for (let kill = 1; kill <= kills; kill++) {
        await using group = makeMemoryGroup(400 << 20);
        // The first of all to go.
        const sweep = start([...group.inside(1000), ...command], env);
        const before = await endedPoints();
        await eventually(async () => (await endedPoints()) > before || sweep.child.exitCode !== null);
        const { ended } = hog(group);
        expect(await sweep.ended).toMatchObject({ code: null, signal: 'SIGKILL', stdout: '' });
        await ended;
        expect(await group.kills()).toBeGreaterThan(0);
        await noneLeft(home.folder);
      }
      const { stdout } = await start(command, env).ended;
      await expectWhole(JSON.parse(stdout) as SweepSummary, points);
    },
  );

  it('a sweep gets through with little memory', { timeout: 300_000 }, async () => {
    const command = await writeSweep(points);
    await using group = makeMemoryGroup(130 << 20);
    const { stdout, stderr } = await start([...group.inside(), ...command], { GVA_FAKE_SCRIPT: doneScript })
      .ended;
    expect({ stderr, kills: await group.kills() }).toEqual({ stderr: '', kills: 0 });
    await expectWhole(JSON.parse(stdout) as SweepSummary, points);
  });

  it(
    'a VMM that the OOM killer ends is run again, and told so where that is of no use',
    { timeout: 300_000 },
    async () => {
      const command = await writeSweep(4);
      const once = join(home.folder, 'once');
      await mkdir(once);
      const starve = 'echo 1000 >/proc/self/oom_score_adj; exec tail /dev/zero';
      // The second starves at its first attempt, the third always.
      const script =
        readN +
        started +
        `if [ "$n" = 3 ]; then ${starve}; fi\n` +
        `if [ "$n" = 2 ] && mkdir "${once}/$n" 2>/dev/null; then ${starve}; fi\n` +
        endedWith('0');
      await using group = makeMemoryGroup(400 << 20);
      const { stdout } = await start([...group.inside(), ...command], { GVA_FAKE_SCRIPT: script }).ended;
      const { counts } = JSON.parse(stdout) as SweepSummary;
      expect(counts).toEqual({ pending: 0, done: 3, failed: 0, lost: 1 });
      const status = JSON.parse(await readFile(join(out, 'status.json'), 'utf8')) as SweepStatus;
      expect(status.failures).toMatchObject([
        {
          ...{ index: 2, state: 'lost', cause: 'vmm-failed' },
          message: expect.stringMatching(/^the VMM ended with status 137 .*want of memory/) as unknown,
        },
      ]);
      const attempts = (await readFile(join(out, 'results.csv'), 'utf8')).split('\r\n')[2];
      expect(attempts).toMatch(/^1,2,fast,done,.*,2,/);
      expect(await group.kills()).toBeGreaterThan(1);
    },
  );

  it(
    'a real guest that the OOM killer ends is lost, which is said, and nothing of it is left',
    { timeout: 300_000 },
    async () => {
      const appliance = join(home.folder, 'appliance');
      const job = `awk 'BEGIN { s = sprintf("%1000000s", ""); while (1) a[i++] = s i }'`;
      await writeFolder(appliance, { yaml: 'hardware: { memory: 1G }\n', job });
      await using group = makeMemoryGroup(300 << 20);
      const gva = [
        process.execPath,
        gvaProgram,
        'run',
        appliance,
        '--out',
        out,
        '--vmm',
        'uml',
        '--start',
        'cold',
      ];
      const { code, stderr } = await start([...group.inside(), ...gva], { XDG_DATA_HOME }).ended;
      expect({ code, stderr }).toMatchObject({
        code: 69,
        stderr: expect.stringContaining('want of memory') as unknown,
      });
      expect(await readResult(out)).toMatchObject({ state: 'lost', cause: 'vmm-failed' });
      expect(await readdir(home.scratch)).toEqual([]);
    },
  );
});
