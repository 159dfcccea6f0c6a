import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBase } from '../../src/base/store.js';
import { temporaryFolder } from '../support/gva.js';
import { type SmallDisk, canMount, gvaOnSmallDisk } from '../support/small-disk.js';

// Bases are built where there is no room for them. The full disk is a file system in memory.

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;
let micro: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  env = { XDG_DATA_HOME: join(folder.path, 'data'), XDG_CACHE_HOME: join(folder.path, 'cache') };
  for (const name of ['data', 'cache', 'recipe']) await mkdir(join(folder.path, name));
  micro = await realpath(join((await loadBase('micro')).folder, '..'));
  const steps = 'steps:\n  - run: head -c 300000 /dev/urandom >/etc/noise\n';
  await writeFile(join(folder.path, 'recipe/base.yaml'), `name: made\nfrom: micro\n${steps}`);
});
afterAll(() => folder[Symbol.asyncDispose]());

const build = (disk: SmallDisk) => gvaOnSmallDisk(disk, ['base', 'build', join(folder.path, 'recipe')], env);

describe.skipIf(!canMount())('building a base on a full disk (for root, or with user namespaces)', () => {
  it('says that there is no room, and where, and leaves nothing half-made', async () => {
    const { code, stderr, left } = await build({
      ...{ folder: join(folder.path, 'data'), size: '2M' },
      links: { 'gva/bases/micro': micro },
    });
    expect(code, stderr).toBe(69);
    expect(stderr).toContain(`there is no room to build the base made in ${join(folder.path, 'data')}`);
    expect(left.filter((path) => /bases\/./.test(path))).toEqual(['gva/bases/micro']);
  });

  it('makes the base nevertheless where only its layers cannot be kept', async () => {
    await mkdir(join(folder.path, 'data/gva/bases'), { recursive: true });
    await symlink(micro, join(folder.path, 'data/gva/bases/micro'));
    const { code, stderr, left } = await build({ folder: join(folder.path, 'cache'), size: '200k' });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(
      `made: its layer is not kept: there is no room in ${join(folder.path, 'cache')}`,
    );
    expect(stderr).toContain('made: built, digest');
    expect(left.filter((path) => /layers\/./.test(path))).toEqual([]);
  });
});
