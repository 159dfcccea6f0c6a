import { describe, expect, it } from 'vitest';
import { type KernelModule, modulesAlias, modulesDep } from '../../src/base/kernel-modules.js';

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
