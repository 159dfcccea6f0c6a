import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, readdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Base, loadBase } from '../../src/base/store.js';
import type { BaseManifest } from '../../src/model/base.js';
import { packageRoot } from '../../src/system/package.js';
import { buildLimit, debianBase } from '../support/debian-base.js';
import {
  type Outcome,
  eventually,
  gva,
  gvaProgram,
  readResult,
  temporaryFolder,
  writeAppliance,
} from '../support/gva.js';

// Recipes, built for real on the Debian base that other tests use; with bases and layers of their own.

let debian: Base;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;
beforeAll(async () => {
  debian = await debianBase('quick');
  folder = await temporaryFolder();
  env = { XDG_DATA_HOME: join(folder.path, 'data'), XDG_CACHE_HOME: join(folder.path, 'cache') };
  const bases = join(folder.path, 'data/gva/bases');
  await mkdir(bases, { recursive: true });
  for (const base of [debian, await loadBase('micro')])
    await symlink(await realpath(join(base.folder, '..')), join(bases, base.name));
  await mkdir(join(folder.path, 'recipe/files'), { recursive: true });
  await writeFile(join(folder.path, 'recipe/files/tool'), '#!/bin/sh\necho "the tool says $GREETING"\n', {
    mode: 0o755,
  });
}, buildLimit);
afterAll(() => folder[Symbol.asyncDispose]());

async function recipe(...steps: string[]): Promise<string> {
  const file = join(folder.path, 'recipe/base.yaml');
  const list = steps.map((step) => `  - ${step}\n`).join('');
  await writeFile(file, `name: made\nfrom: ${debian.name}\nsteps:\n${list}`);
  return file;
}

const build = (file: string, ...options: string[]) => gva(['base', 'build', file, ...options], env);
/** Numbers of the steps that were executed. */
const executed = ({ stderr }: Outcome) => [...stderr.matchAll(/: step (\d+) of/g)].map(([, n]) => Number(n));
const layers = async () =>
  (await readdir(join(folder.path, 'cache/gva/layers')).catch(() => [])).filter((name) =>
    /^[0-9a-f]{64}$/.test(name),
  );

const steps = [
  'env: { GREETING: "it\'s done" }',
  'copy: { from: files, to: /opt/tools }',
  'run: /opt/tools/tool >/etc/said && useradd -m early',
  'packages: [bc]',
];

describe('a recipe', () => {
  it('is built step by step, and its base runs what the steps have put in', async () => {
    const file = await recipe(...steps);
    const explained = await build(file, '--explain');
    expect(explained.stdout).toContain('4 of 4 steps to execute');
    expect(await layers()).toEqual([]);
    const outcome = await build(file, '--json');
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(executed(outcome)).toEqual([1, 2, 3, 4]);
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      name: 'made',
      origin: { kind: 'recipe', from: debian.name },
      packages: { bc: expect.stringMatching(/^\d/) as string, ...debian.packages },
    });
    const out = join(folder.path, 'out');
    const appliance = await writeAppliance(join(folder.path, 'a'), {
      yaml: 'base: made\n',
      job: 'cat /etc/said; /opt/tools/tool; echo 6*7 | bc; id -un early; ls -A /tmp /var/log /run',
    });
    const run = await gva(['run', appliance, '--vmm', 'uml', '--out', out], env);
    expect(run.code, run.stderr).toBe(0);
    const said = await readFile(join(out, 'output/.gva/50-autorun.stdout'), 'utf8');
    expect(said).toMatch(/^the tool says it's done\nthe tool says it's done\n42\nearly\n/);
    expect(said).not.toMatch(/dpkg\.log|busybox/);
    expect((await readResult(out)).base).toMatchObject({ name: 'made' });
  });

  it('is not built again where nothing has changed', async () => {
    const outcome = await build(await recipe(...steps));
    expect(outcome.stderr).toMatch(/^made: is there, digest [0-9a-f]{16}\n$/);
  });

  it('starts from the layer that has the most, and executes only what is missing', async () => {
    const before = await layers();
    const file = await recipe(...steps.slice(0, 3), 'packages: [bc, time]');
    const { stdout } = await build(file, '--explain', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      upToDate: false,
      layer: { packages: ['bc'] },
      steps: [
        { state: 'there' },
        { state: 'there' },
        { state: 'there' },
        { state: 'partial', missing: ['time'] },
      ],
    });
    expect(await layers()).toEqual(before);
    const outcome = await build(file);
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(executed(outcome)).toEqual([4]);
    expect(outcome.stderr).toMatch(/step 4 of 4: packages time\n/);
    expect((await layers()).length).toBe(before.length + 1);
  });

  it('shows what a failing step said, and keeps the layers before it', async () => {
    const before = await layers();
    const file = await recipe(...steps, 'run: echo it goes wrong; exit 3');
    const outcome = await build(file);
    expect(outcome.code).toBe(1);
    expect(executed(outcome)).toEqual([5]);
    expect(outcome.stderr).toMatch(/step 5 failed .*: status 3\n {2}it goes wrong\n/);
    const log = /All that it said: (\S+)\./.exec(outcome.stderr)?.[1] ?? '';
    expect(await readFile(log, 'utf8')).toBe('it goes wrong\n');
    expect(await layers()).toEqual(before);
  });

  it('names a package that there is none of, and the one that was meant', async () => {
    const outcome = await build(await recipe('packages: [pyhton3-numpy]'));
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain('pyhton3-numpy');
    expect(await layers()).toHaveLength(5);
  });

  it('leaves nothing half-made where it is killed, and goes on from there', async () => {
    const before = await layers();
    const file = await recipe('run: echo first; sleep 1000');
    const child = spawn(process.execPath, [gvaProgram, 'base', 'build', file], {
      env: { ...process.env, ...env },
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    await eventually(() => said.includes('step 1'));
    child.kill('SIGKILL');
    await ended;
    expect(await layers()).toEqual(before);
    const outcome = await build(await recipe(...steps));
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(executed(outcome)).toEqual([]);
    const left = await readdir(join(folder.path, 'data/gva/bases'));
    expect(left.sort()).toEqual(['made', 'micro', debian.name].sort());
  });
});

it('of two builds of one recipe at once one waits, and nothing of what a step has removed is left in what they made', async () => {
  const place = join(folder.path, 'twice');
  await mkdir(place);
  const step =
    'yes all of this goes | head -c 200000 >/etc/waste; sync; rm /etc/waste; echo kept by the step >/etc/kept';
  await writeFile(join(place, 'base.yaml'), `name: twice\nfrom: micro\nsteps:\n  - run: ${step}\n`);
  const before = await layers();
  const outcomes = await Promise.all([build(place, '--json'), build(place, '--json')]);
  for (const { code, stderr } of outcomes) expect(code, stderr).toBe(0);
  const said = outcomes.map(({ stderr }) => stderr).join('');
  expect(said.match(/: step 1 of 1/g)).toHaveLength(1);
  expect(said.match(/: waiting for another build of it \(process \d+\)/g)).toHaveLength(1);
  const [one, other] = outcomes.map(({ stdout }) => JSON.parse(stdout) as BaseManifest);
  expect(one?.digest).toBe(other?.digest);
  const [layer = ''] = (await layers()).filter((name) => !before.includes(name));
  for (const file of [
    join(folder.path, 'cache/gva/layers', layer, 'changes'),
    join(folder.path, 'data/gva/bases/twice/current/root.img'),
  ]) {
    const bytes = await readFile(file);
    expect(bytes.includes('kept by the step\n'), file).toBe(true);
    expect(bytes.includes('all of this goes\n'), file).toBe(false);
  }
});

// GVA_LONG: it takes minutes, most of them for unpacking what NumPy is.
it.runIf(process.env['GVA_LONG'])(
  'a sweep of Python with NumPy runs on the base of its recipe, and its errors are plotted',
  { timeout: buildLimit },
  async () => {
    await using work = await temporaryFolder();
    const results = join(work.path, 'out');
    const env = { ...process.env, MONTE_CARLO_RESULTS: results };
    const demo = join(packageRoot, 'examples/monte-carlo/demo.sh');
    await promisify(execFile)('sh', [demo, '--vmm', 'uml'], { env, timeout: buildLimit - 30_000 });
    const [header = '', ...rows] = (await readFile(join(results, 'results.csv'), 'utf8'))
      .trim()
      .split('\r\n');
    const cells = (name: string) =>
      rows.map((row) => Number(row.split(',')[header.split(',').indexOf(name)]));
    const [samples, estimates, errors] = ['samples', 'pi', 'error'].map(cells);
    expect(samples).toEqual([1e3, 1e4, 1e5, 1e6].flatMap((count) => [count, count, count, count]));
    for (const [point, estimate] of estimates!.entries()) {
      const error = Math.abs(estimate - Math.PI);
      expect(errors?.[point]).toBeCloseTo(error, 4);
      // Five times the standard deviation of the estimate.
      expect(error).toBeLessThan(8.3 / Math.sqrt(samples?.[point] ?? 1));
    }
    expect(await readFile(join(results, 'error.svg'), 'utf8')).toContain('16 points: error against samples');
    expect(await readFile(join(results, 'report.html'), 'utf8')).toMatch(/^<!doctype html>/);
  },
);
