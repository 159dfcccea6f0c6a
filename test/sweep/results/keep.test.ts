import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gatherFolder } from '../../../src/sweep/results/gather-folder.js';
import { keepOutput } from '../../../src/instance/keep.js';
import { keepKinds } from '../../../src/model/keep.js';
import { readKept, readKeptData, readKeptHead } from '../../../src/sweep/results/kept.js';
import { pointFolder } from '../../../src/system/paths.js';
import { makeExt4 } from '../../../src/disk/ext4-image.js';
import { plant } from '../../disk/ext4-fixture.js';
import { scratch } from './fixture.js';

const files = {
  'result.json': '{"area": 49}',
  'deep/er/file.bin': { file: Buffer.from([0, 255, 10]), mode: 0o640 },
  '.gva/run.stdout': 'said\n',
  'name with \\ and é.txt': 'x',
  link: { symlink: 'result.json' },
  sparse: { holes: [[300_000, 'end']] as [number, string][], size: 700_000 },
};

/** A point's folder with its output, and the disk that it would have come from. */
async function makePoint(folder = scratch(), label = 'GVA-OUT') {
  const output = join(folder, 'output');
  plant(output, files);
  const image = join(scratch(), 'disk');
  const from = label === 'GVA-APP' ? scratch() : output;
  if (from !== output) plant(join(from, 'output'), files);
  await makeExt4(image, { label, size: 16 << 20, from });
  return { folder, output, image };
}

const allOf = async (folder: string, path: string) => {
  const chunks: Buffer[] = [];
  for await (const chunk of readKept(folder, path)) chunks.push(chunk);
  return Buffer.concat(chunks);
};

describe.each(keepKinds)('output kept as %s', (kind) => {
  test('is in one place, and is read there', async () => {
    const { folder, output, image } = await makePoint();
    const sparse = readFileSync(join(output, 'sparse'));
    await keepOutput(kind, folder, image);
    expect(readdirSync(folder)).toEqual([
      { files: 'output', archive: 'output.tar', image: 'output.img' }[kind],
    ]);
    expect(await readKeptData(folder)).toEqual({ area: 49 });
    expect((await allOf(folder, '.gva/run.stdout')).toString()).toBe('said\n');
    expect(await allOf(folder, 'deep/er/file.bin')).toEqual(Buffer.from([0, 255, 10]));
    expect((await allOf(folder, 'name with \\ and é.txt')).toString()).toBe('x');
    expect((await allOf(folder, 'sparse')).equals(sparse)).toBe(true);
    expect((await readKeptHead(folder, 'sparse', 300_001))!.equals(sparse.subarray(0, 300_001))).toBe(true);
  });

  test('has no bytes for what is no file, is not there, or lies outside', async () => {
    const { folder, image } = await makePoint();
    writeFileSync(join(folder, 'result.json'), 'outside');
    await keepOutput(kind, folder, image);
    for (const path of [
      'link',
      'deep',
      'none',
      'none/x',
      'result.json/x',
      '../result.json',
      '',
      '/',
      '.',
      'a\0b',
      '*',
    ])
      expect(await readKeptHead(folder, path, 10), path).toBeUndefined();
  });

  test('is kept so by a second call, after one that was broken off while it removed the files', async () => {
    const { folder, output, image } = await makePoint();
    await keepOutput(kind, folder, image);
    if (kind !== 'files') plant(output, { rest: '' });
    expect(await readKeptData(folder)).toEqual({ area: 49 });
    await keepOutput(kind, folder, image);
    expect(readdirSync(folder)).toHaveLength(1);
    expect(await readKeptData(folder)).toEqual({ area: 49 });
  });
});

test('where there is no disk to keep, the files are kept', async () => {
  const { folder } = await makePoint();
  await keepOutput('image', folder, undefined);
  expect(await readKeptData(folder)).toEqual({ area: 49 });
});

test('a link in the place of the disk is not followed', async () => {
  const { folder, image } = await makePoint();
  const link = join(scratch(), 'disk');
  symlinkSync(image, link);
  await expect(keepOutput('image', folder, link)).rejects.toMatchObject({ code: 'IMAGE_OPEN' });
  expect(readdirSync(folder)).toEqual(['output']);
});

test("an application's disk with its output is read in the folder of that", async () => {
  const { folder, image } = await makePoint(scratch(), 'GVA-APP');
  await keepOutput('image', folder, image);
  expect(await readKeptData(folder)).toEqual({ area: 49 });
});

test('the archive depends on nothing but the files, and holes take no room', async () => {
  const archives = await Promise.all(
    [1000, 2000].map(async (mtime) => {
      const { folder, output } = await makePoint();
      execFileSync('touch', ['-d', `@${mtime}`, join(output, 'result.json'), output]);
      truncateSync(join(output, 'sparse'), 2 ** 40);
      await keepOutput('archive', folder, undefined);
      return readFileSync(join(folder, 'output.tar'));
    }),
  );
  expect(archives[0]!.equals(archives[1]!)).toBe(true);
  expect(archives[0]!.length).toBeLessThan(100_000);
});

test('a file that its owner may not read is archived', async () => {
  const { folder, output } = await makePoint();
  chmodSync(join(output, 'result.json'), 0o002);
  await keepOutput('archive', folder, undefined);
  expect(await readKeptData(folder)).toEqual({ area: 49 });
  expect(execFileSync('tar', ['-tvf', join(folder, 'output.tar'), './result.json']).toString()).toMatch(
    /^-r-----?-w-/,
  );
});

test('an archive that is damaged is said to be', async () => {
  const folder = scratch();
  writeFileSync(join(folder, 'output.tar'), Buffer.alloc(2000, 7));
  await expect(readKeptHead(folder, 'result.json', 10)).rejects.toMatchObject({ code: 'TOOL_FAILED' });
});

describe('the folder for gathering', () => {
  const signal = new AbortController().signal;

  test('has the files of all points, however they are kept', async () => {
    const sweep = scratch();
    writeFileSync(join(sweep, 'results.csv'), 'table');
    for (const [index, kind] of keepKinds.entries()) {
      const folder = pointFolder(sweep, index * 1000);
      mkdirSync(folder, { recursive: true });
      const { image } = await makePoint(folder);
      await keepOutput(kind, folder, image);
    }
    const target = join(sweep, 'gather');
    expect(await gatherFolder(sweep, target, [0, 1, 1000, 2000], signal)).toEqual({ points: 3 });
    expect(readFileSync(join(target, 'results.csv'), 'utf8')).toBe('table');
    for (const index of [0, 1000, 2000]) {
      const folder = pointFolder(target, index);
      expect(readdirSync(folder).sort()).toEqual(
        ['.gva', 'deep', 'link', 'name with \\ and é.txt', 'result.json', 'sparse'].sort(),
      );
      expect(readFileSync(join(folder, 'deep/er/file.bin'))).toEqual(Buffer.from([0, 255, 10]));
      expect(readlinkSync(join(folder, 'link'))).toBe('result.json');
      expect(statSync(join(folder, 'sparse')).size).toBe(700_000);
    }
    expect(existsSync(pointFolder(target, 1))).toBe(false);
    const inode = (folder: string) => statSync(join(folder, 'result.json')).ino;
    expect(inode(pointFolder(target, 0))).toBe(inode(join(pointFolder(sweep, 0), 'output')));
  });

  test('is not made where there is something, and stops at the signal', async () => {
    const sweep = scratch();
    writeFileSync(join(sweep, 'results.csv'), '');
    copyFileSync(join(sweep, 'results.csv'), join(sweep, 'taken'));
    await expect(gatherFolder(sweep, join(sweep, 'taken'), [], signal)).rejects.toMatchObject({
      code: 'EEXIST',
    });
    const stopped = AbortSignal.abort(new Error('stop'));
    await expect(gatherFolder(sweep, join(sweep, 'new'), [0], stopped)).rejects.toThrow('stop');
  });
});
