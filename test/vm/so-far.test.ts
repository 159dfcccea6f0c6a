import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, gva, gvaProgram, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';
import { startRunning } from '../support/running.js';

// Results of running guests, again and again (docs/channels.md, "While it runs: results").

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;
beforeAll(async () => {
  folder = await temporaryFolder();
  env = { XDG_CACHE_HOME: join(folder.path, 'cache') };
});
afterAll(() => folder[Symbol.asyncDispose]());

const job = 'echo 1 >steps; until [ -e /output/go ]; do sleep 0.1; done; echo end >>steps';

const text = (...path: string[]) => readFile(join(...path), 'utf8').catch(() => '');

describe.each(['uml', 'qemu'])('under %s', (vmm) => {
  it('the output comes home while the guest runs, is replaced, and goes when the results are there', async () => {
    const home = join(folder.path, vmm);
    const words = ['--vmm', vmm];
    const { name, out, ended } = await startRunning(home, { job }, words, env, ['--collect-every', '1s']);
    const soFar = `${out}.so-far`;
    await eventually(async () => (await text(soFar, 'output/steps')) === '1\n');
    expect(await readdir(soFar)).toEqual(['output', 'snapshot.json']);
    expect(existsSync(out)).toBe(false);
    expect(await gva(['exec', name, '--', 'sh', '-c', 'echo 2 >>/output/steps'], env)).toMatchObject({
      code: 0,
    });
    await eventually(async () => (await text(soFar, 'output/steps')) === '1\n2\n');
    expect(await gva(['exec', name, '--', 'touch', '/output/go'], env)).toMatchObject({ code: 0 });
    expect(await ended).toEqual([0, null]);
    expect(await text(out, 'output/steps')).toBe('1\n2\nend\n');
    expect(existsSync(soFar)).toBe(false);
    expect(await readResult(out)).toMatchObject({ state: 'done' });
  });
});

it('an appliance may say so, for each point of a sweep; what is there so far is of no result', async () => {
  const appliance = await writeAppliance(join(folder.path, 'says'), {
    yaml: 'collect-every: 1s\nparameters: { n: { type: int } }\n',
    job,
  });
  const plan = join(folder.path, 'plan.yaml');
  await writeFile(plan, `appliance: ${appliance}\nparameters: { n: [4] }\n`);
  const out = join(folder.path, 'points');
  const words = [gvaProgram, 'sweep', 'run', plan, '--vmm', 'uml', '--out', out];
  const child = spawn(process.execPath, words, { env: { ...process.env, ...env }, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const point = join(out, 'points/0000/0000000');
  await eventually(
    async () => (await text(`${point}.so-far`, 'output/steps')) === '1\n' || child.exitCode !== null,
  );
  expect(existsSync(point)).toBe(false);
  const status = await gva(['sweep', 'status', out, '--json'], env);
  expect(JSON.parse(status.stdout)).toMatchObject({ counts: { done: 0, active: 1 } });
  const found = JSON.parse((await gva(['ps', '--json'], env)).stdout) as { id: string }[];
  expect(await gva(['exec', found[0]?.id ?? '', '--', 'touch', '/output/go'], env)).toMatchObject({
    code: 0,
  });
  expect(await ended).toEqual([0, null]);
  expect(await text(point, 'output/steps')).toBe('1\nend\n');
  expect((await readdir(join(out, 'points/0000'))).sort()).toEqual(['0000000']);
});

it('it goes with no checkpoints', async () => {
  const home = await writeAppliance(join(folder.path, 'both'), { job });
  const words = [
    'run',
    home,
    '--collect-every',
    '1m',
    '--checkpoint-every',
    '1m',
    '--out',
    join(home, 'out'),
  ];
  expect(await gva(words, env)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('does not go with') as string,
  });
});
