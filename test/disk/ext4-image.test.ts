import { execFileSync } from 'node:child_process';
import { chown, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ext4Size, makeExt4 } from '../../src/disk/ext4-image.js';
import { digestFile } from '../../src/system/files.js';
import { digestFolder } from '../../src/system/folder-digest.js';
import { findProgram } from '../../src/system/process.js';
import { temporaryFolder } from '../support/gva.js';

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
});
