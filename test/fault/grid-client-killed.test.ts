import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SweepSummary } from '../../src/model/sweep.js';
import type { SweepStatus } from '../../src/model/sweep-status.js';
import { digestFile } from '../../src/system/files.js';
import { packageRoot, pointFolder } from '../../src/system/paths.js';
import { doneScript } from '../../src/vmm/fake/driver.js';
import {
  type TestHome,
  fakeBase,
  makeTestHome,
  squareManifest,
  writeAppliance,
} from '../support/fake-appliance.js';
import { eventually, gva, noneLeft } from '../support/gva.js';

// A sweep by the grid engine local, with workers in processes of their own whose guests are shell scripts.
const [points, kills] = process.env['GVA_LONG'] ? [200, 20] : [40, 6];

let home: TestHome;
let out: string;
beforeEach(async () => {
  home = await makeTestHome();
  out = join(home.folder, 'out');
  await writeAppliance(home.folder, squareManifest);
  await writeFile(
    join(home.folder, 'plan.yaml'),
    `appliance: ./square\nparameters: { n: { range: [1, ${points}] } }\n`,
  );
  await writeBase();
});
afterEach(async () => {
  await noneLeft(home.folder);
  await home[Symbol.asyncDispose]();
});

/** A base with files that workers can copy. */
async function writeBase(): Promise<void> {
  const folder = join(home.folder, 'base');
  await mkdir(folder);
  const files: Record<string, object> = {};
  for (const key of ['root', 'kernel', 'initrd']) {
    const name = `${key}.img`;
    await writeFile(join(folder, name), randomBytes(50_000));
    files[key] = { name, size: 50_000, sha256: await digestFile(join(folder, name)) };
  }
  await writeFile(join(folder, 'base.json'), JSON.stringify({ ...fakeBase(), files }));
}

interface RunOptions {
  readonly killAfter?: number;
  readonly words?: readonly string[];
  readonly env?: Record<string, string>;
}

/** A client; killed after so many milliseconds, if it lives that long. */
async function run({ killAfter, words = [], env = {} }: RunOptions = {}): Promise<SweepSummary | undefined> {
  const program = join(packageRoot, 'test/support/fake-grid-client.mjs');
  const args = [program, join(home.folder, 'plan.yaml'), out, join(home.folder, 'base'), ...words];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const said = child.stdout.setEncoding('utf8').toArray() as Promise<string[]>;
  const ended = new Promise((resolve) => child.on('exit', resolve));
  if (killAfter !== undefined) {
    await Promise.race([ended, sleep(killAfter)]);
    child.kill('SIGKILL');
  }
  await ended;
  const text = (await said).join('');
  return text === '' ? undefined : (JSON.parse(text) as SweepSummary);
}

/** Every point is there once, and nothing else is. */
async function checkPoints(): Promise<void> {
  const rows = (await readFile(join(out, 'results.csv'), 'utf8')).trimEnd().split('\r\n').slice(1);
  expect(rows.map((row) => row.split(',').slice(0, 4).join(','))).toEqual(
    Array.from({ length: points }, (_, index) => `${index},${index + 1},fast,done`),
  );
  const folders = await readdir(join(out, 'points/0000'));
  expect(folders.sort()).toEqual(
    Array.from({ length: points }, (_, index) => String(index).padStart(7, '0')),
  );
  for (let index = 0; index < points; index++) {
    const result = JSON.parse(await readFile(join(pointFolder(out, index), 'result.json'), 'utf8')) as object;
    expect(result).toMatchObject({ state: 'done', parameters: { n: index + 1, mode: 'fast' } });
  }
}

/** How often each point was begun, by the records of all workers. */
async function begun(): Promise<Map<number, number>> {
  const times = new Map<number, number>();
  const chunks = join(out, 'grid/chunks');
  for (const chunk of await readdir(chunks))
    for (const name of (await readdir(join(chunks, chunk))).filter((file) => file.endsWith('.jsonl')))
      for (const line of (await readFile(join(chunks, chunk, name), 'utf8')).split('\n')) {
        const record = line === '' ? {} : (JSON.parse(line) as { record?: string; point?: number });
        if (record.record === 'point-began') times.set(record.point!, (times.get(record.point!) ?? 0) + 1);
      }
  return times;
}

test(
  `a sweep of ${points} points whose client is killed ${kills} times has every point once`,
  { timeout: 900_000 },
  async () => {
    // Long enough that most are killed while jobs run.
    const env = { FAKE_GUEST: `sleep 0.3\n${doneScript}` };
    let survived = 0;
    for (let kill = 0; kill < kills; kill++)
      if (await run({ env, killAfter: 300 + Math.random() * 1500 })) survived++;
    const summary = await run({ env });
    expect(summary?.counts).toEqual({ pending: 0, done: points, failed: 0, lost: 0 });
    expect(survived).toBeLessThan(kills);
    await checkPoints();
    // Jobs go on while their client is killed: nothing was run twice.
    expect([...(await begun()).values()].every((times) => times === 1)).toBe(true);
  },
);

test('a sweep that is left to its jobs is taken in by whoever looks', { timeout: 300_000 }, async () => {
  const summary = await run({ words: ['--detach'] });
  expect(summary).toMatchObject({ interrupted: false, jobs: { engine: 'local', unsubmitted: 0 } });
  const status = async () => {
    const { code, stdout, stderr } = await gva(['sweep', 'status', out, '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as SweepStatus & { owner: string };
  };
  await eventually(async () => (await status()).state === 'finished');
  expect(await status()).toMatchObject({
    ...{ owner: 'none', counts: { done: points, active: 0 } },
    grid: { engine: 'local', pending: 0, running: 0 },
  });
  await checkPoints();
});

test('a last job takes in what all others have done', { timeout: 300_000 }, async () => {
  await run({ words: ['--detach', '--summary'] });
  const finished = async () => {
    const text = await readFile(join(out, 'status.json'), 'utf8');
    return (JSON.parse(text) as SweepStatus).state === 'finished';
  };
  await eventually(finished);
  await checkPoints();
});

test('jobs that go on without a client are ended on request', { timeout: 300_000 }, async () => {
  // The first points are done, the others hang.
  const script = `if mkdir '${home.folder}/first' 2>/dev/null; then :; else sleep 1000; fi\n${doneScript}`;
  await run({ words: ['--detach'], env: { FAKE_GUEST: script } });
  await eventually(async () => (await begun()).size > 1);
  const { code, stderr } = await gva(['sweep', 'cancel', out]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: `${out}: stopped\n` });
  const status = JSON.parse(await readFile(join(out, 'status.json'), 'utf8')) as SweepStatus;
  expect(status).toMatchObject({
    ...{ state: 'stopped', reason: 'it was cancelled', counts: { done: 1, active: 0 } },
    grid: { pending: 0, running: 0 },
  });
  await noneLeft(home.folder);
  expect(await gva(['sweep', 'cancel', out])).toMatchObject({ code: 2 });
});
