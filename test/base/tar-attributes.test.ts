import { execFileSync } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tarAttributes } from '../../src/base/tar-attributes.js';
import { openRaw } from '../../src/disk/source.js';
import { MemorySource } from '../disk/ext4-fixture.js';
import { pax, tarBytes } from '../ovf/tar-fixture.js';
import { temporaryFolder } from '../support/gva.js';

const none = new Map<string, Buffer>();

it.each(['gnu', 'pax'])(
  'finds what only root can give to files, in archives of GNU tar (%s)',
  async (format) => {
    await using folder = await temporaryFolder();
    const tree = join(folder.path, 'tree');
    const long = `${'long-'.repeat(25)}/${'name-'.repeat(20)}`;
    await mkdir(join(tree, long, '..'), { recursive: true });
    for (const name of ['hidden', 'plain', 'setuid', long]) await writeFile(join(tree, name), name);
    await symlink('plain', join(tree, 'link'));
    await mkdir(join(tree, 'sticky'));
    await chmod(join(tree, 'sticky'), 0o1777);
    await chmod(join(tree, 'setuid'), 0o4755);
    await chmod(join(tree, 'hidden'), 0o440);
    await chmod(join(tree, long), 0o2755);
    const archive = join(folder.path, 'x.tar');
    const root = ['--owner=:0', '--group=:0', '--sort=name', `--format=${format}`];
    execFileSync('tar', ['-C', tree, ...root, '-cf', archive, '.']);
    const foreign = ['--owner=:70000', `--group=:${format === 'pax' ? 3_000_000_000 : 42}`];
    execFileSync('tar', ['-C', tree, `--format=${format}`, ...foreign, '-rf', archive, './plain']);
    await using source = await openRaw(archive);
    expect(await tarAttributes(source)).toEqual([
      { path: 'hidden', permissions: 0o440, uid: 0, gid: 0, xattrs: none },
      { path: long, permissions: 0o2755, uid: 0, gid: 0, xattrs: none },
      { path: 'setuid', permissions: 0o4755, uid: 0, gid: 0, xattrs: none },
      { path: 'sticky', permissions: 0o1777, uid: 0, gid: 0, xattrs: none },
      {
        path: 'plain',
        permissions: 0o644,
        uid: 70_000,
        gid: format === 'pax' ? 3_000_000_000 : 42,
        xattrs: none,
      },
    ]);
  },
);

it('reads extended attributes, which hold any bytes, of the one member that they are for', async () => {
  const bytes = tarBytes([
    pax({ 'SCHILY.xattr.security.capability': 'a\n=b', uid: '0', gid: '0' }),
    { name: './bin/ping', content: 'x' },
    pax({ uid: '0', gid: '0' }),
    { name: './bin/other', content: 'x' },
  ]);
  expect(
    (await tarAttributes(new MemorySource(bytes))).map(({ path, xattrs }) => [path, [...xattrs]]),
  ).toEqual([['bin/ping', [['security.capability', Buffer.from('a\n=b')]]]]);
});
