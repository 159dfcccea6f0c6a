import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ext4Size, makeExt4, type Ext4Options } from '../../src/disk/ext4-image.js';
import { reasonOf } from '../../src/disk/ext4-source.js';
import { openExt4 } from '../../src/disk/ext4/index.js';
import { extractTree } from '../../src/disk/extract.js';
import { openRaw } from '../../src/disk/source.js';
import { GvaError } from '../../src/system/errors.js';
import { digestFile } from '../../src/system/files.js';
import { digestFolder } from '../../src/system/folder-digest.js';
import { findProgram } from '../../src/system/process.js';
import { temporaryFolder } from '../support/gva.js';
import { contentsOf, plant, type Plant } from './ext4-fixture.js';

const tool = async (name: string, ...args: string[]) =>
  execFileSync((await findProgram(name)) ?? name, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });

async function writeTree(folder: string, seconds: number, owner: number): Promise<void> {
  await mkdir(join(folder, 'sub'), { recursive: true });
  for (let n = 0; n < 300; n++)
    await writeFile(join(folder, 'sub', `file ${(n * 7) % 300}`), `content ${(n * 7) % 300}`);
  await symlink('sub/file 1', join(folder, 'link'));
  await utimes(join(folder, 'sub/file 3'), seconds, seconds);
  // Only root may give files away; an ordinary user's files are that user's anyway.
  if (process.getuid?.() === 0) await chown(join(folder, 'sub'), owner, owner);
}

describe('an ext4 image', () => {
  it('of the same content has the same bytes, whenever and by whomever the files were made', async () => {
    await using folder = await temporaryFolder();
    const digests: string[] = [];
    for (const [name, seconds, owner] of [
      ['one', 1e9, 0],
      ['two', 1.5e9, 70_000],
    ] as const) {
      await writeTree(join(folder.path, name), seconds, owner);
      const image = join(folder.path, `${name}.img`);
      await makeExt4(image, {
        label: 'GVA-DATA',
        from: join(folder.path, name),
        ...ext4Size(302, 4000, 1 << 20),
      });
      digests.push(await digestFile(image));
    }
    expect(digests[1]).toBe(digests[0]);
  });

  it('is clean, belongs to root, and has its label and the free space asked for', async () => {
    await using folder = await temporaryFolder();
    await writeTree(join(folder.path, 'tree'), 1e9, 1234);
    const { bytes, entries } = await digestFolder(join(folder.path, 'tree'), folder.path);
    const image = join(folder.path, 'image');
    await makeExt4(image, {
      label: 'GVA-APP',
      from: join(folder.path, 'tree'),
      ...ext4Size(entries.length, bytes, 8 << 20),
    });
    await tool('e2fsck', '-fn', image);
    expect(await tool('debugfs', '-R', 'stat sub', image)).toMatch(
      /User: +0 +Group: +0 .*mtime: 0x386d4380:00000000/s,
    );
    const header = await tool('dumpe2fs', '-h', image);
    expect(header).toMatch(/volume name: +GVA-APP/);
    expect(Number(/Free blocks: +(\d+)/.exec(header)?.[1]) * 4096).toBeGreaterThanOrEqual(8 << 20);
  });

  it('without content takes little room on the host, and is never made over a file', async () => {
    await using folder = await temporaryFolder();
    const image = join(folder.path, 'image');
    await makeExt4(image, { label: 'GVA-OUT', size: 10 * 2 ** 30 });
    expect(Number((await tool('du', '-k', image)).split('\t')[0])).toBeLessThan(1024);
    await expect(makeExt4(image, { label: 'GVA-OUT', size: 1 << 20 })).rejects.toMatchObject({
      code: 'EEXIST',
    });
  });

  it('keeps modes, holes and links', async () => {
    await using folder = await temporaryFolder();
    const tree = join(folder.path, 'tree');
    const plants: Record<string, Plant> = {
      'bin/run': { file: '#!/bin/sh\n', mode: 0o755 },
      secret: { file: 'x', mode: 0o600 },
      'deep/er': { directory: true, mode: 0o700 },
      twin: { hardLink: 'bin/run' },
      'bin/link': { symlink: '../secret' },
      dangling: { symlink: '/no/where' },
      holes: { holes: [[40 << 20, 'far']], size: 60 << 20 },
    };
    plant(tree, plants);
    const image = join(folder.path, 'image');
    await makeExt4(image, { label: 'GVA-DATA', from: tree, size: 4 << 20 });
    await tool('e2fsck', '-fn', image);
    expect(
      Number(/Blockcount: (\d+)/.exec(await tool('debugfs', '-R', 'stat holes', image))?.[1]),
    ).toBeLessThan(64);
    await using source = await openRaw(image);
    const report = await extractTree(await openExt4(source), join(folder.path, 'out'));
    expect(report.findings).toEqual([
      { code: 'SYMLINK_ESCAPE', path: 'dangling', message: 'the link to "/no/where" is not made' },
    ]);
    const expected = contentsOf(tree);
    expected.delete('dangling');
    expect(contentsOf(join(folder.path, 'out'))).toEqual(expected);
    expect((await stat(join(folder.path, 'out/twin'))).nlink).toBe(2);
    expect((await stat(join(folder.path, 'out/holes'))).blocks).toBeLessThan(64);
  });
});

describe('an ext4 image that cannot be made', () => {
  const failure = async (prepare: (tree: string) => unknown, options: Partial<Ext4Options> = {}) => {
    await using folder = await temporaryFolder();
    const tree = join(folder.path, 'tree');
    await mkdir(join(tree, 'sub'), { recursive: true });
    await prepare(join(tree, 'sub'));
    const image = join(folder.path, 'image');
    const error = await makeExt4(image, { label: 'X', from: tree, size: 4 << 20, ...options }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(GvaError);
    expect(existsSync(image)).toBe(false);
    const { code, message, exitCode } = error as GvaError;
    return { code, exitCode, message: message.replaceAll(folder.path, 'DIR') };
  };

  it('names a socket, a pipe', async () => {
    const why = 'it is neither a file nor a folder nor a symbolic link';
    const pipe = await failure((sub) => execFileSync('mkfifo', [join(sub, 'pipe')]));
    expect(pipe).toMatchObject({
      code: 'EXT4_SOURCE',
      message: `cannot put DIR/tree/sub/pipe on a disk: ${why}`,
    });
    const server = createServer();
    const socket = await failure(
      (sub) => new Promise<void>((resolve) => server.listen(join(sub, 'socket'), resolve)),
    );
    server.close();
    expect(socket).toMatchObject({
      code: 'EXT4_SOURCE',
      message: `cannot put DIR/tree/sub/socket on a disk: ${why}`,
    });
  });

  it('names the file for which there is no room', async () => {
    const large = await failure((sub) => writeFile(join(sub, 'large'), 'x'.repeat(5 << 20)));
    expect(large).toEqual({
      code: 'EXT4_FULL',
      exitCode: 2,
      message: 'the content of DIR/tree does not fit into an image of 4 MiB (at large)',
    });
    const many = await failure(
      async (sub) => {
        for (let n = 0; n < 100; n++) await writeFile(join(sub, `${n}`), '');
      },
      { inodes: 32 },
    );
    expect(many.message).toMatch(/does not fit into an image of 4 MiB \(at \d+\)$/);
  });

  // Root may read everything.
  it.skipIf(process.getuid?.() === 0)(
    'names a file and a folder that may not be read (not as root, who may read everything)',
    async () => {
      const file = await failure((sub) => writeFile(join(sub, 'secret'), '', { mode: 0 }));
      expect(file).toMatchObject({ code: 'EXT4_SOURCE' });
      expect(file.message).toContain('cannot put DIR/tree/sub/secret on a disk: EACCES');
      const closed = await failure((sub) => mkdir(join(sub, 'closed'), { mode: 0 }));
      expect(closed.message).toContain('cannot put DIR/tree/sub/closed on a disk: EACCES');
    },
  );

  it.each([
    ['mke2fs: No space left on device while populating file system', 'host full', undefined],
    ['big: No space left on device while looking up "big"', 'host full', 'big'],
    ['x: Could not allocate block in ext2 filesystem while writing file "a b"', 'image full', 'a b'],
    ['x: Could not allocate inode in ext2 filesystem while writing file "f"', 'image full', 'f'],
    ['do_write_internal: Permission denied while opening "secret" to copy', 'other', 'secret'],
    ['x: Invalid argument passed to ext2 library while creating symlink "l"', 'other', 'l'],
    ['mke2fs: something new', 'other', undefined],
  ])('by what mke2fs says: %s', (message, what, name) => {
    expect(reasonOf(message)).toEqual(name === undefined ? { what } : { what, name });
  });
});
