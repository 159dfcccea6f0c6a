import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type KernelModule, modulesAlias, modulesDep, readModules } from '../../src/base/kernel-modules.js';
import { temporaryFolder } from '../support/gva.js';

const module = (name: string, depends: string[], aliases: string[] = []): KernelModule => ({
  ...{ name, depends, aliases },
  content: Buffer.alloc(0),
});

describe('what modprobe reads', () => {
  // In the order of readModules: dependencies first.
  const modules = [
    module('ring', []),
    module('virtio', ['ring']),
    module('modern', ['virtio', 'ring']),
    module('pci', ['ring', 'modern', 'virtio'], ['pci:v00001AF4d*']),
  ];

  it('lists dependencies so that, loaded from the last to the first, none comes before what it needs', () => {
    expect(modulesDep(modules).split('\n')).toEqual([
      'ring.ko:',
      'virtio.ko: ring.ko',
      'modern.ko: virtio.ko ring.ko',
      'pci.ko: modern.ko virtio.ko ring.ko',
      '',
    ]);
  });

  it('leaves out what is built into the kernel', () => {
    expect(modulesDep([module('isofs', ['cdrom'])])).toBe('isofs.ko:\n');
  });

  it('knows the names by which the kernel asks', () => {
    expect(modulesAlias(modules)).toBe('alias pci:v00001AF4d* pci\n');
  });
});

describe('modules of a kernel', () => {
  async function kernel(folder: string): Promise<string> {
    await mkdir(join(folder, 'kernel/drivers'), { recursive: true });
    const module = (name: string, info: string) =>
      writeFile(join(folder, 'kernel/drivers', `${name}.ko`), `ELF\0${info}\0`);
    await module('scsi-core', 'license=GPL\0depends=');
    await module('disk', 'alias=scsi:t-0x00*\0depends=scsi-core');
    await module('odd', 'alias=pci:v00001000d*\0depends=disk,scsi_core');
    await writeFile(join(folder, 'modules.builtin'), 'kernel/fs/ext4.ko\n');
    return folder;
  }

  it('are read with those they need, which come first; built-in ones are left out', async () => {
    await using folder = await temporaryFolder();
    const modules = await readModules(await kernel(folder.path), ['odd', 'ext4']);
    expect(modules.map(({ name }) => name)).toEqual(['scsi_core', 'disk', 'odd']);
    expect(modulesAlias(modules)).toBe('alias scsi:t-0x00* disk\nalias pci:v00001000d* odd\n');
  });

  it('that are only wished for may be missing; others may not', async () => {
    await using folder = await temporaryFolder();
    const from = await kernel(folder.path);
    const modules = await readModules(from, ['disk'], ['none', 'odd', 'ext4']);
    expect(modules.map(({ name }) => name)).toEqual(['scsi_core', 'disk', 'odd']);
    await expect(readModules(from, ['none'])).rejects.toMatchObject({ code: 'MODULE_MISSING' });
  });
});
