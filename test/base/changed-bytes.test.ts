import { chmod, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findBaseByDigest, loadBase } from '../../src/base/store.js';
import { baseFolder } from '../../src/system/paths.js';
import { publishTestBase } from '../support/bases.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
import { eventually, gva } from '../support/gva.js';

let home: TestHome;
let digest: string;
let root: string;
beforeEach(async () => {
  home = await makeTestHome();
  ({ digest } = await publishTestBase('one'));
  root = join(baseFolder('one'), digest.slice(0, 16), 'root.img');
});
afterEach(() => home[Symbol.asyncDispose]());

/** Does it until the clock of the file system has gone on since the base was made. */
async function later(change: () => Promise<unknown>): Promise<void> {
  const { ctimeMs: made } = await stat(join(root, '../base.json'));
  await eventually(async () => {
    await change();
    return (await stat(root)).ctimeMs > made;
  });
}

const changed = {
  code: 'BASE_BROKEN',
  message: expect.stringContaining('root.img has another digest') as string,
};

it('a base with a byte that is not what it was is refused, until it is again', async () => {
  const bytes = await readFile(root);
  await chmod(root, 0o644);
  const other = Buffer.from(bytes);
  other[1000] = 1;
  await later(() => writeFile(root, other));
  await expect(loadBase('one')).rejects.toMatchObject(changed);
  await expect(loadBase(`one@${digest}`)).rejects.toMatchObject(changed);
  await expect(findBaseByDigest('one', digest)).rejects.toMatchObject(changed);
  const { code, stderr } = await gva(['base', 'verify', 'one', '--no-boot']);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'digests: not as it should be\n  root.img has another digest than when it was made\n',
  });
  await writeFile(root, bytes);
  expect(await loadBase('one')).toMatchObject({ digest });
});

it('what was only touched is as good as before; what took its place is not, however old it looks', async () => {
  await later(() => utimes(root, new Date(), new Date()));
  expect(await loadBase('one')).toMatchObject({ digest });
  const { size } = await stat(root);
  const other = join(home.folder, 'other');
  await later(async () => {
    await writeFile(other, Buffer.alloc(size));
    await utimes(other, new Date(0), new Date(0));
    await rename(other, root);
  });
  await expect(loadBase('one')).rejects.toMatchObject(changed);
});
