import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { digestSparse } from '../../src/system/sparse-digest.js';
import { temporaryFolder } from '../support/gva.js';

it('is of the content, whatever of it is a hole, and of nothing else', async () => {
  await using folder = await temporaryFolder();
  const digest = async (name: string, bytes: Buffer, size = bytes.length) => {
    const file = join(folder.path, name);
    await writeFile(file, bytes);
    await truncate(file, size);
    return digestSparse(file);
  };
  const size = 3 << 20;
  const full = Buffer.alloc(size);
  full.write('here', 100_000);
  const same = await digest('full', full);
  expect(await digest('holes', full.subarray(0, 100_004), size)).toBe(same);
  const moved = Buffer.alloc(size);
  moved.write('here', 100_000 + 65536);
  const changed = Buffer.from(full);
  changed[size - 1] = 1;
  const others = [
    await digest('moved', moved),
    await digest('changed', changed),
    await digest('longer', full, size + 1),
    await digest('empty', Buffer.alloc(0)),
    await digest('zeros', Buffer.alloc(size)),
  ];
  expect(new Set([same, ...others]).size).toBe(6);
  expect(same).toMatch(/^[0-9a-f]{64}$/);
});
