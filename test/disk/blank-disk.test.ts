import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeBlankDisk } from '../../src/disk/blank-disk.js';
import { makeExt4 } from '../../src/disk/ext4-image.js';
import { digestFile } from '../../src/system/files.js';
import { temporaryFolder } from '../support/gva.js';

it.each([1 << 20, 5 << 20, 64 << 20, 300 << 20])(
  'a blank disk of %i bytes is to the byte what mke2fs makes, every time',
  async (size) => {
    await using folder = await temporaryFolder();
    const [by, first, second] = ['by', 'first', 'second'].map((name) => join(folder.path, name));
    await makeExt4(by!, { label: 'BLANK', size });
    await makeBlankDisk(first!, 'BLANK', size);
    await makeBlankDisk(second!, 'BLANK', size);
    const digest = await digestFile(by!);
    expect(await digestFile(first!)).toBe(digest);
    expect(await digestFile(second!)).toBe(digest);
    const allocated = async (file: string) => (await stat(file)).blocks;
    expect(await allocated(second!)).toBeLessThanOrEqual(await allocated(by!));
    await expect(makeBlankDisk(second!, 'BLANK', size)).rejects.toMatchObject({ code: 'EEXIST' });
  },
);

it('disks of other labels and sizes are others, and what cannot be made is an error every time', async () => {
  await using folder = await temporaryFolder();
  const make = async (name: string, label: string, size: number) => {
    await makeBlankDisk(join(folder.path, name), label, size);
    return digestFile(join(folder.path, name));
  };
  const digests = [
    await make('a', 'A', 1 << 20),
    await make('b', 'B', 1 << 20),
    await make('c', 'A', 2 << 20),
  ];
  expect(new Set(digests).size).toBe(3);
  for (const name of ['x', 'y']) await expect(make(name, 'A', 512)).rejects.toThrow();
});
