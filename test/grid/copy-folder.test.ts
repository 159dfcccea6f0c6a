import {
  chmod,
  link,
  lstat,
  mkdir,
  readFile,
  readdir,
  readlink,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyFolder } from '../../src/grid/worker/copy-folder.js';
import { temporaryFolder } from '../support/gva.js';

const day = new Date('2026-01-02T03:04:05Z');

/** All that is in a folder: what it is, its mode, its time, and what is in it. */
async function contentOf(folder: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  const names = ['', ...(await readdir(folder, { recursive: true }))];
  for (const name of names.sort()) {
    const path = join(folder, name);
    const { mode, mtimeMs, nlink } = await lstat(path);
    const entry = await lstat(path);
    const has = entry.isFile()
      ? await readFile(path, 'latin1')
      : entry.isSymbolicLink()
        ? await readlink(path)
        : '';
    const names = entry.isFile() ? nlink : '';
    content[name] = [mode.toString(8), Math.round(mtimeMs), names, has.length, has.slice(0, 20)].join(' ');
  }
  return content;
}

async function makeTree(folder: string): Promise<void> {
  await mkdir(join(folder, 'output/empty'), { recursive: true });
  await writeFile(join(folder, 'result.json'), '{}');
  await writeFile(join(folder, 'output/run'), 'exit');
  await chmod(join(folder, 'output/run'), 0o755);
  await symlink('../nowhere', join(folder, 'output/link'));
  await chmod(join(folder, 'output/empty'), 0o500);
  for (const name of ['output/run', 'output/empty', 'output', '']) await utimes(join(folder, name), day, day);
}

test.each<[string, (folder: string) => Promise<unknown>]>([
  ['a few files', () => Promise.resolve()],
  ['a file with two names', (folder) => link(join(folder, 'output/run'), join(folder, 'output/again'))],
  ['a file with a hole', (folder) => truncate(join(folder, 'output/run'), 1 << 20)],
  ['a large file', (folder) => writeFile(join(folder, 'output/large'), Buffer.alloc(5 << 20, 'x'))],
  [
    'many files',
    async (folder) => {
      for (let n = 0; n < 120; n++) await writeFile(join(folder, `output/${n}`), String(n));
    },
  ],
])('%s, with modes, times and links, over what another attempt has left', async (_, change) => {
  await using home = await temporaryFolder();
  const [from, to] = [join(home.path, 'from'), join(home.path, 'to')];
  await makeTree(from);
  await change(from);
  await mkdir(join(to, 'output'), { recursive: true });
  await writeFile(join(to, 'output/left'), 'half');
  await copyFolder(from, to);
  expect(await contentOf(to)).toEqual(await contentOf(from));
  const blocks = async (folder: string) => (await lstat(join(folder, 'output/run'))).blocks;
  expect(await blocks(to)).toBe(await blocks(from));
});

test('names that are no text are copied as they are', async () => {
  await using home = await temporaryFolder();
  const [from, to] = [join(home.path, 'from'), join(home.path, 'to')];
  await mkdir(from);
  const name = Buffer.from([0x61, 0xff, 0x62]);
  await writeFile(Buffer.concat([Buffer.from(`${from}/`), name]), 'x');
  await copyFolder(from, to);
  expect(await readdir(to, { encoding: 'buffer' })).toEqual([name]);
});
