import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect, it } from 'vitest';
import { loadDirectBase } from '../../src/base/store.js';
import { partitionTypes, readPartitionTable } from '../../src/disk/partition-table.js';
import { openRaw } from '../../src/disk/source.js';
import type { BaseManifest } from '../../src/model/base.js';
import { digestFile } from '../../src/system/files.js';
import { gva, temporaryFolder } from '../support/gva.js';
import { requireTool } from '../support/tools.js';

it('micro is built of the same inputs to the same bytes', async () => {
  const digests: string[] = [];
  for (let build = 0; build < 2; build++) {
    await using folder = await temporaryFolder();
    const { code, stderr } = await gva(['base', 'build', 'micro'], { XDG_DATA_HOME: folder.path });
    expect(code, stderr).toBe(0);
    const manifest = await readFile(join(folder.path, 'gva/bases/micro/current/base.json'), 'utf8');
    digests.push((JSON.parse(manifest) as BaseManifest).digest);
  }
  expect(digests[1]).toBe(digests[0]);
});

it('its portable disk has a boot partition, and the root file system as it is', async () => {
  await using folder = await temporaryFolder();
  const base = await loadDirectBase('micro');
  const { root, disk } = base.files;
  if (!disk) throw new Error('the base has no portable disk: gva base build micro --force');
  const file = join(base.folder, disk.name);
  await using source = await openRaw(file);
  const start = 2 ** 20;
  expect(await readPartitionTable(source)).toEqual([
    { type: partitionTypes.efiSystem, bootable: true, offset: start, size: disk.rootOffset - start },
    { type: partitionTypes.linux, bootable: false, offset: disk.rootOffset, size: root.size },
  ]);
  expect(disk.size).toBe(disk.rootOffset + root.size);

  const part = async (name: string, first: number, end: number) => {
    const target = join(folder.path, name);
    await pipeline(createReadStream(file, { start: first, end: end - 1 }), createWriteStream(target));
    return target;
  };
  expect(await digestFile(await part('root', disk.rootOffset, disk.size))).toBe(root.sha256);
  const boot = await part('boot', start, disk.rootOffset);
  const run = (tool: string, ...args: string[]) =>
    execFileSync(requireTool(tool), args, { encoding: 'utf8' });
  expect(run('fsck.fat', '-n', boot)).toMatch(/: \d+ files, \d+\/\d+ clusters\n$/);
  expect(run('minfo', '-i', boot)).toMatch(/^hidden sectors: 2048$/m);
  expect(run('mdir', '-b', '-a', '-/', '-i', boot).trim().split('\n').sort()).toEqual(
    [
      ...['EFI/', 'EFI/BOOT/', 'EFI/BOOT/BOOTX64.EFI', 'initrd.img', 'ldlinux.c32', 'ldlinux.sys'],
      ...['loader/', 'loader/entries/', 'loader/entries/gva.conf', 'loader/loader.conf'],
      ...['syslinux.cfg', 'vmlinuz'],
    ].map((path) => `::/${path}`),
  );
});
