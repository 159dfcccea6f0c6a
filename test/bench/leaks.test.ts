import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { takeInventory } from '../../bench/soak/inventory.js';
import { heapGrowth, leaksBetween } from '../../bench/soak/leaks.js';
import { temporaryFolder } from '../support/gva.js';

const release: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of release.splice(0)) await each();
});

test('what is left over is found: a process, a descriptor, a socket, a file; and nothing where nothing is', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'file');
  await writeFile(file, '');
  const look = (folders: string[] = []) => takeInventory(folder.path, folders, new Set());
  const before = await look();
  expect(leaksBetween(before, await look())).toEqual([]);
  const handle = await open(file);
  release.push(() => handle.close());
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  release.push(() => child.kill());
  const server = createServer().listen(join(folder.path, 'socket'));
  release.push(() => server.close());
  await once(server, 'listening');
  const leaks = leaksBetween(before, await look([folder.path]));
  expect(leaks).toEqual(
    expect.arrayContaining([
      'process left over: sleep 600',
      `descriptor left over: ${file}`,
      'descriptor left over: socket',
      `file left over: ${file}`,
    ]),
  );
});

test('a heap that grows with the rounds does, and one that swings does not', () => {
  const mebi = (...sizes: number[]) => sizes.map((size) => size * 2 ** 20);
  expect(heapGrowth(mebi(20, 24, 21, 25, 20, 23))).toEqual([]);
  expect(heapGrowth(mebi(20, 24, 28, 32, 36, 40))).toEqual(['the heap has grown by 16.0 MiB']);
  expect(heapGrowth([])).toEqual([]);
});
