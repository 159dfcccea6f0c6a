import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { templateKey, templateParts } from '../../../src/instance/template/key.js';
import { type MachineShape, machineShape, slotSize } from '../../../src/instance/template/shape.js';
import type { PreparedAppliance } from '../../../src/instance/prepare.js';
import { fakeBase } from '../../support/fake-appliance.js';
import { temporaryFolder } from '../../support/gva.js';

const shape: MachineShape = {
  ...{ base: fakeBase(), cpus: 1, memory: 256 << 20 },
  disks: [
    { id: 'root', size: 64 << 20, access: 'overlay' },
    { id: 'output', size: 64 << 20, access: 'read-write' },
  ],
};
const facts = { qemu: '7.2', accelerator: 'tcg' };
const keyOf = async (change: Partial<MachineShape>, of: Record<string, string> = facts) =>
  templateKey(await templateParts({ ...shape, ...change }, of));

describe('the key of a template', () => {
  it.each<[string, Partial<MachineShape>]>([
    ['base', { base: fakeBase('c'.repeat(64)) }],
    ['folder of the base', { base: { ...fakeBase(), folder: '/elsewhere' } }],
    ['processors', { cpus: 2 }],
    ['memory', { memory: 257 << 20 }],
    ['number of disks', { disks: shape.disks.slice(1) }],
    ['size of a disk', { disks: shape.disks.map((disk) => ({ ...disk, size: disk.size + 1 })) }],
    ['order of the disks', { disks: [...shape.disks].reverse() }],
    ['access to a disk', { disks: shape.disks.map((disk) => ({ ...disk, access: 'read-only' as const })) }],
  ])('follows from the %s', async (_, change) => {
    expect(await keyOf(change)).not.toBe(await keyOf({}));
  });

  it('follows from an appliance that it is for: digest, place and bytes of its images', async () => {
    await using folder = await temporaryFolder();
    const image = async (name: string, text: string) => {
      const file = join(folder.path, name);
      await writeFile(file, text);
      return { file, size: text.length };
    };
    vi.stubEnv('XDG_CACHE_HOME', folder.path);
    const [app, same, data] = [await image('a', 'app'), await image('b', 'app'), await image('c', 'data')];
    const keys = [
      await keyOf({}),
      await keyOf({ warmed: { digest: '1', app } }),
      await keyOf({ warmed: { digest: '2', app } }),
      await keyOf({ warmed: { digest: '1', app: same } }),
      await keyOf({ warmed: { digest: '1', app, data } }),
    ];
    await image('a', 'ape');
    keys.push(await keyOf({ warmed: { digest: '1', app } }));
    vi.unstubAllEnvs();
    expect(new Set(keys).size).toBe(6);
  });

  it('follows from the facts of host and VMM, whatever their order', async () => {
    expect(await keyOf({}, { accelerator: 'tcg', qemu: '7.2' })).toBe(await keyOf({}));
    expect(await keyOf({}, { ...facts, qemu: '7.3' })).not.toBe(await keyOf({}));
    expect(await keyOf({}, { ...facts, more: '' })).not.toBe(await keyOf({}));
  });
});

describe('the machine of a clone', () => {
  const MiB = 2 ** 20;
  const machine = (change: object = {}) =>
    ({
      appliance: { hardware: { cpus: 2, memory: 300 * MiB }, output: { size: 5 * MiB } },
      machine: {
        ...{ kind: 'contract', base: { ...fakeBase(), wake: true }, outputOn: 'disk' },
        ...{ app: { file: '/app', size: 70 * MiB }, ...change },
      },
    }) as unknown as PreparedAppliance;

  it('has places for disks of many sizes, and an output disk of the very size', () => {
    expect([1, 64 * MiB, 64 * MiB + 1, 300 * MiB].map(slotSize)).toEqual(
      [64, 64, 128, 512].map((size) => size * MiB),
    );
    expect(machineShape(machine({ data: { file: '/data', size: 1 } }), [])).toMatchObject({
      ...{ cpus: 2, memory: 300 * MiB },
      disks: [
        { id: 'root', size: 0, access: 'overlay' },
        { id: 'app', size: 128 * MiB, access: 'overlay' },
        { id: 'data', size: 64 * MiB, access: 'overlay' },
        { id: 'output', size: 5 * MiB, access: 'read-write' },
        { id: 'cdrom', size: 64 * MiB, access: 'read-only' },
      ],
    });
  });

  it('has a larger place for a CD with large files', () => {
    const shape = machineShape(machine(), [{ size: 100 * MiB }, { size: 1 }]);
    expect(typeof shape === 'string' ? shape : shape.disks.at(-1)?.size).toBe(128 * MiB);
  });

  it.each([
    [{ kind: 'plain' }, /somebody else/],
    [{ outputOn: 'app' }, /application disk/],
    [{ base: fakeBase() }, /cannot be woken/],
  ])('is none where %j', (change, reason) => {
    expect(machineShape(machine(change), [])).toMatch(reason);
  });
});
