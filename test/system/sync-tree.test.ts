import { execFileSync } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { syncTree } from '../../src/system/sync-tree.js';
import { temporaryFolder } from '../support/gva.js';

test.each([3, 200])('a tree of %i files, whatever their names, modes and kinds', async (count) => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await mkdir(at('deep/er'), { recursive: true });
  for (let n = 0; n < count; n++) await writeFile(at(`deep/er/${n}`), 'x');
  await writeFile(
    Buffer.concat([Buffer.from(`${folder.path}/`), Buffer.from([0xff, 0x0a, 0x80])]),
    'no text',
  );
  await writeFile(at('secret'), 'x');
  await chmod(at('secret'), 0);
  await symlink('/nowhere', at('link'));
  execFileSync('mkfifo', [at('pipe')]);
  await expect(syncTree(folder.path)).resolves.toBeUndefined();
});

test('what cannot be brought to the disk is told', async () => {
  await expect(syncTree('/nowhere/at/all')).rejects.toThrow('ENOENT');
});
