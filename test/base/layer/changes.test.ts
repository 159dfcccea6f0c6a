import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { applyChanges, writeChanges } from '../../../src/base/layer/changes.js';
import { temporaryFolder } from '../../support/gva.js';

const grain = 64 << 10;

it('an image is made again from what has changed, with what it grew by', async () => {
  await using folder = await temporaryFolder();
  const file = (name: string) => join(folder.path, name);
  const before = Buffer.alloc(5 * grain + 100, 'a');
  const now = Buffer.concat([before, Buffer.alloc(40 * grain)]);
  now.write('other', 2 * grain + 7);
  now.fill(0, 3 * grain, 4 * grain);
  now.write('behind the end', 30 * grain);
  await writeFile(file('before'), before);
  await writeFile(file('now'), now);
  const changes = await writeChanges(file('now'), file('before'), file('changes'));
  expect(changes.ranges).toEqual([
    [2 * grain, 2 * grain],
    [30 * grain, grain],
  ]);
  expect((await stat(file('changes'))).size).toBe(3 * grain);
  await applyChanges(file('before'), { file: file('changes'), ...changes }, file('again'));
  expect((await readFile(file('again'))).equals(now)).toBe(true);
  expect((await readFile(file('before'))).equals(before)).toBe(true);
});

it('an unchanged image has no changes', async () => {
  await using folder = await temporaryFolder();
  const image = join(folder.path, 'image');
  await writeFile(image, 'x');
  await truncate(image, 3 << 20);
  expect(await writeChanges(image, image, join(folder.path, 'changes'))).toMatchObject({
    size: 3 << 20,
    ranges: [],
  });
});
