import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { SweepSummary } from '../../src/model/sweep.js';
import { digestFile } from '../../src/system/files.js';
import { packageRoot } from '../../src/system/package.js';
import { pointFolder } from '../../src/system/paths.js';
import { fakeBase, squareManifest, writeAppliance } from './fake-appliance.js';

// A sweep by the grid engine local, by a client in a process of its own (fake-grid-client.mjs), with workers in theirs whose
// guests are shell scripts.

/** Writes what the client needs into a folder: an appliance, a plan of so many points, a base with files to copy. */
export async function writeGridSweep(folder: string, points: number): Promise<void> {
  await writeAppliance(folder, squareManifest);
  const plan = `appliance: ./square\nparameters: { n: { range: [1, ${points}] } }\n`;
  await writeFile(join(folder, 'plan.yaml'), plan);
  const base = join(folder, 'base');
  await mkdir(base);
  const files: Record<string, object> = {};
  for (const key of ['root', 'kernel', 'initrd']) {
    const name = `${key}.img`;
    await writeFile(join(base, name), randomBytes(50_000));
    files[key] = { name, size: 50_000, sha256: await digestFile(join(base, name)) };
  }
  await writeFile(join(base, 'base.json'), JSON.stringify({ ...fakeBase(), files }));
}

export interface ClientOptions {
  /** Milliseconds after which it is killed, if it lives that long. */
  readonly killAfter?: number;
  readonly words?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** @returns undefined where the client was killed, or has failed */
export async function runGridClient(
  folder: string,
  { killAfter, words = [], env = {} }: ClientOptions = {},
): Promise<SweepSummary | undefined> {
  const program = join(packageRoot, 'test/support/fake-grid-client.mjs');
  const args = [program, join(folder, 'plan.yaml'), join(folder, 'out'), join(folder, 'base'), ...words];
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
export async function expectEveryPoint(out: string, points: number): Promise<void> {
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
export async function timesBegun(out: string): Promise<Map<number, number>> {
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
