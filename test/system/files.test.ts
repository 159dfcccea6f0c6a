import { chmod, lstat, mkdir, readFile, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { publishFile, writeFileAtomically } from '../../src/system/files.js';
import { digestFolder } from '../../src/system/folder-digest.js';
import { temporaryFolder } from '../support/gva.js';

describe('a published file', () => {
  it('appears whole, and a failure leaves the old one and nothing else', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'f');
    await writeFileAtomically(file, 'one');
    const failing = publishFile(file, async (temporary) => {
      await writeFile(temporary, 'half');
      throw new Error('disk on fire');
    });
    await expect(failing).rejects.toThrow('disk on fire');
    expect(await readdir(folder.path)).toEqual(['f']);
    expect(await readFile(file, 'utf8')).toBe('one');
  });

  it('takes the place of no device and no pipe, nor of a link to one', async () => {
    await using folder = await temporaryFolder();
    const at = (name: string) => join(folder.path, name);
    execFileSync('mkfifo', [at('pipe')]);
    await writeFile(at('file'), '');
    const links = { null: '/dev/null', out: '/proc/self/fd/1', 'to-pipe': at('pipe') };
    for (const [name, target] of Object.entries(links)) await symlink(target, at(name));
    for (const name of ['pipe', ...Object.keys(links)]) {
      await expect(writeFileAtomically(at(name), 'x'), name).rejects.toMatchObject({ code: 'OUT_SPECIAL' });
      expect((await lstat(at(name))).isFile(), name).toBe(false);
    }
    await symlink(at('file'), at('to-file'));
    await writeFileAtomically(at('to-file'), 'x');
    expect((await readdir(folder.path)).sort()).toEqual([
      'file',
      'null',
      'out',
      'pipe',
      'to-file',
      'to-pipe',
    ]);
  });
});

describe('the digest of a folder', () => {
  it('depends on names, contents and permissions, and on nothing else', async () => {
    await using folder = await temporaryFolder();
    const [tree, memory] = [join(folder.path, 'tree'), join(folder.path, 'memory')];
    await mkdir(join(tree, 'sub'), { recursive: true });
    await writeFile(join(tree, 'sub/a'), 'one');
    await symlink('a', join(tree, 'sub/link'));
    const digest = async () => (await digestFolder(tree, memory)).digest;
    const first = await digest();
    await utimes(join(tree, 'sub/a'), 1, 1);
    expect(await digest()).toBe(first);
    const others: string[] = [];
    for (const change of [
      () => writeFile(join(tree, 'sub/a'), 'two'),
      () => chmod(join(tree, 'sub/a'), 0o755),
      () => mkdir(join(tree, 'empty')),
      () => symlink('b', join(tree, 'other')),
    ]) {
      await change();
      others.push(await digest());
    }
    expect(new Set([first, ...others]).size).toBe(5);
  });

  it('notices a change that keeps size and times of a file it remembers', async () => {
    await using folder = await temporaryFolder();
    const [tree, memory] = [join(folder.path, 'tree'), join(folder.path, 'memory')];
    await mkdir(tree);
    await writeFile(join(tree, 'a'), 'one');
    // Old enough to be remembered: what changed within the last seconds never is.
    await new Promise((resolve) => setTimeout(resolve, 2100));
    const first = await digestFolder(tree, memory);
    expect((await readdir(memory)).length).toBe(1);
    expect(await digestFolder(tree, memory)).toMatchObject({ digest: first.digest });
    await utimes(join(tree, 'a'), 1, 1);
    await writeFile(join(tree, 'a'), 'two');
    await utimes(join(tree, 'a'), 1, 1);
    expect((await digestFolder(tree, memory)).digest).not.toBe(first.digest);
  });

  it('refuses what is no file, folder or link', async () => {
    await using folder = await temporaryFolder();
    execFileSync('mkfifo', [join(folder.path, 'pipe')]);
    await expect(digestFolder(folder.path, folder.path)).rejects.toMatchObject({ code: 'FILE_KIND' });
  });
});
