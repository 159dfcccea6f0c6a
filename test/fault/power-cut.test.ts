import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { faultLayer } from '../support/fault-layer.js';
import { dropUnsynced, runWithFault } from '../support/faults.js';
import { temporaryFolder } from '../support/gva.js';

// What the tests of file operations rely on: that the layer knows what a power cut takes, and takes it.

const built = faultLayer();

/** 1 and 2 are bytes that were synced, 3 to 6 are not. */
const program = `
const fs = require('node:fs');
const fd = fs.openSync('log', 'w+');
fs.writeSync(fd, Buffer.alloc(1536, 1));
fs.fsyncSync(fd);
fs.writeSync(fd, Buffer.alloc(1536, 3), 0, 1536, 512);
const shorter = fs.openSync('shorter', 'r+');
fs.ftruncateSync(shorter, 512);
fs.writeFileSync('replaced', Buffer.alloc(1024, 4));
fs.writeSync(fs.openSync('at-the-end', 'a'), Buffer.alloc(512, 5));
fs.writeFileSync('made', Buffer.alloc(512, 6));
fs.mkdirSync('the-end');
`;

/** What a file has, sector by sector. */
const sectorsOf = (content: Buffer) => {
  expect(content.length % 512).toBe(0);
  const sectors = Array.from({ length: content.length / 512 }, (_, index) =>
    content.subarray(index * 512, (index + 1) * 512),
  );
  return sectors.map((sector) => (sector.every((byte) => byte === sector[0]) ? sector[0] : 'mixed'));
};

const files = ['log', 'shorter', 'replaced', 'at-the-end', 'made'] as const;
const before = { shorter: 1536, replaced: 1024, 'at-the-end': 512 };

async function cut(folder: string, at: number) {
  const root = join(folder, `root-${at}`);
  await mkdir(root);
  for (const [name, size] of Object.entries(before)) await writeFile(join(root, name), Buffer.alloc(size, 2));
  const place = { shim: built.shim, root, state: join(folder, 'state'), log: join(folder, 'log') };
  const run = await runWithFault(['-e', program], { kind: 'CUT', at }, place, { seconds: 60, cwd: root });
  return { ...run, place };
}

test.each([
  { bytes: 'all there', at: 0, log: [1, 3, 3], shorter: [2], replaced: [] },
  { bytes: 'as they were', at: 1, log: [1, 1, 1], shorter: [2, 2, 2], replaced: [2, 2] },
  { bytes: 'there in every second sector', at: 2, log: [1, 1, 3], shorter: [2, 2], replaced: [4, 2] },
])('a power cut leaves bytes that were written over $bytes', async ({ at, log, shorter, replaced }) => {
  await using folder = await temporaryFolder();
  const { operations } = await cut(folder.path, 0);
  // The last operation is that of `mkdir`.
  const { signal, place } = await cut(folder.path, operations);
  expect(signal).toBe('SIGKILL');
  const lost = await dropUnsynced(place, at);

  const found = files.map(async (name) => sectorsOf(await readFile(join(place.root, name))));
  expect(await Promise.all(found)).toEqual([log, shorter, replaced, [2], []]);
  const shortened = at === 0 ? ['shorter'] : [];
  expect(lost.map((file) => basename(file)).sort()).toEqual(
    files.filter((name) => !shortened.includes(name)).sort(),
  );
});
