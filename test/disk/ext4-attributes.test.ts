import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { InodeAttributes } from '../../src/disk/ext4-attributes.js';
import { makeExt4 } from '../../src/disk/ext4-image.js';
import { temporaryFolder } from '../support/gva.js';
import { requireTool } from '../support/tools.js';

const none = new Map<string, Buffer>();

/** cap_net_raw, permitted and effective (linux/capability.h, vfs_cap_data, revision 2). */
const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
/** user::rwx group::r-x group:4:r-x mask::r-x other::--- as programs see it (linux/posix_acl_xattr.h); a number that
 * means nothing is 0 here, as debugfs shows it. */
const acl = Buffer.concat(
  [
    [1, 7, 0],
    [4, 5, 0],
    [8, 5, 4],
    [16, 5, 0],
    [32, 0, 0],
  ].reduce<Buffer[]>(
    (parts, [tag = 0, permissions = 0, id = 0]) => {
      const entry = Buffer.alloc(8);
      entry.writeUInt16LE(tag, 0);
      entry.writeUInt16LE(permissions, 2);
      entry.writeInt32LE(id, 4);
      return [...parts, entry];
    },
    [Buffer.from([2, 0, 0, 0])],
  ),
);

async function image(folder: string, attributes: InodeAttributes[]): Promise<string> {
  await mkdir(join(folder, 'tree/sub'), { recursive: true });
  for (const name of ['a', 'sub/b', 'sub/c']) await writeFile(join(folder, 'tree', name), name);
  const file = join(folder, 'image');
  await makeExt4(file, { label: 'X', size: 16 << 20, from: join(folder, 'tree'), attributes });
  return file;
}

/** debugfs ends with a line end whatever it shows. */
const attribute = (file: string, path: string, name: string) =>
  debugfs(file, `ea_get -V ${path} ${name}`).subarray(0, -1);
const debugfs = (file: string, request: string) =>
  execFileSync(requireTool('debugfs'), ['-R', request, file], { stdio: ['ignore', 'pipe', 'ignore'] });

it('gives files owners, modes and attributes that the host could not, and e2fsck finds nothing', async () => {
  await using folder = await temporaryFolder();
  const file = await image(folder.path, [
    {
      path: 'a',
      permissions: 0o4755,
      uid: 0,
      gid: 0,
      xattrs: new Map([['security.capability', capability]]),
    },
    {
      path: 'sub/b',
      permissions: 0o640,
      uid: 70_000,
      gid: 42,
      xattrs: new Map([['user.x', Buffer.from('yes')]]),
    },
    {
      ...{ path: 'sub', permissions: 0o2775, uid: 0, gid: 50 },
      xattrs: new Map([
        ['system.posix_acl_access', acl],
        ['system.posix_acl_default', acl],
      ]),
    },
  ]);
  execFileSync(requireTool('e2fsck'), ['-fn', file]);
  const stat = (path: string) => debugfs(file, `stat ${path}`).toString();
  expect(stat('/a')).toMatch(/Mode: {2}04755[^]*User: +0 +Group: +0 /);
  expect(attribute(file, '/a', 'security.capability')).toEqual(capability);
  expect(stat('/sub/b')).toMatch(/Type: regular +Mode: {2}0640[^]*User: 70000 +Group: +42 /);
  expect(attribute(file, '/sub/b', 'user.x').toString()).toBe('yes');
  expect(stat('/sub')).toMatch(/Type: directory +Mode: {2}02775[^]*User: +0 +Group: +50 /);
  for (const name of ['access', 'default'])
    expect(attribute(file, '/sub', `system.posix_acl_${name}`)).toEqual(acl);
  expect(stat('/sub/c')).toMatch(/Mode: {2}0644[^]*User: +0 +Group: +0 /);
});

it.each([
  ['a path that is not there', { path: 'sub/none', xattrs: none }, /\/sub\/none .*it is not there/],
  [
    'an attribute of another kind',
    { path: 'a', xattrs: new Map([['odd.x', capability]]) },
    /odd\.x is of no known/,
  ],
  ['too much', { path: 'a', xattrs: new Map([['user.x', Buffer.alloc(100)]]) }, /do not fit into its inode/],
])('refuses %s', async (_name, change, message) => {
  await using folder = await temporaryFolder();
  const made = image(folder.path, [{ permissions: 0o644, uid: 0, gid: 0, ...change }]);
  await expect(made).rejects.toMatchObject({
    code: 'EXT4_ATTRIBUTE',
    message: expect.stringMatching(message) as string,
  });
});
