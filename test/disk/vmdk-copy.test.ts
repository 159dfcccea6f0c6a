import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openRaw } from '../../src/disk/source.js';
import { copyVmdkToRaw } from '../../src/disk/vmdk/index.js';
import { MemorySource, scratch } from './ext4-fixture.js';
import { byQemu, diskBytes, GRAIN, markersOf, noise, vmdkOf, type Subformat } from './vmdk-fixture.js';

const MIB = 1 << 20;
const hash = (name: string, bytes: Buffer) => createHash(name).update(bytes).digest('hex');

describe('copied to a raw image', () => {
  test.each<Subformat>(['streamOptimized', 'monolithicSparse'])('%s by qemu-img', async (subformat) => {
    const raw = diskBytes();
    const folder = scratch();
    await using file = await openRaw(byQemu(folder, raw, subformat));
    const target = join(folder, 'copy');
    const { capacity, digests } = await copyVmdkToRaw(file, target);
    expect({ capacity, digests }).toEqual({ capacity: raw.length, digests: {} });
    expect(readFileSync(target).equals(raw)).toBe(true);
    expect((await file.read(0, 4)).toString()).toBe('KDMV'); // it is still open
  });

  test('with holes, and with digests of all that is in the file', async () => {
    const raw = Buffer.alloc(70 * MIB + 512);
    noise(MIB + 100).copy(raw, 40 * MIB + 10);
    raw.write('end', raw.length - 3);
    const { bytes, facts } = await vmdkOf(raw);
    const target = join(scratch(), 'copy');
    const names = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const;
    const copied = await copyVmdkToRaw(new MemorySource(bytes), target, { digests: names });
    expect(copied).toEqual({
      capacity: raw.length,
      populatedSize: facts.populatedSize,
      digests: Object.fromEntries(names.map((name) => [name, hash(name, bytes)])),
    });
    expect(readFileSync(target).equals(raw)).toBe(true);
    expect(statSync(target).blocks * 512).toBeLessThan(2 * MIB);
  });

  test('grains of zeros that are in the file become holes too', async () => {
    const folder = scratch();
    const raw = Buffer.alloc(4 * MIB, 'x');
    const image = byQemu(folder, raw, 'monolithicSparse');
    const bytes = readFileSync(image);
    bytes.fill(0, bytes.length - 2 * MIB);
    const target = join(folder, 'copy');
    const { populatedSize } = await copyVmdkToRaw(new MemorySource(bytes), target);
    expect(populatedSize).toBe(4 * MIB);
    expect(readFileSync(target).equals(raw.fill(0, 2 * MIB))).toBe(true);
    expect(statSync(target).blocks * 512).toBeLessThan(2.5 * MIB);
  });

  test('any disk', async () => {
    const folder = scratch();
    const grain = fc.tuple(fc.nat(519), fc.nat(255), fc.nat(GRAIN - 1), fc.nat(4 * GRAIN));
    const property = async (grains: [number, number, number, number][], cut: number): Promise<void> => {
      const raw = Buffer.alloc(520 * GRAIN - cut * 512);
      for (const [index, value, at, length] of grains)
        raw.subarray(index * GRAIN + at, index * GRAIN + at + length).fill(value);
      const { bytes, facts } = await vmdkOf(raw, { level: 1 });
      const target = join(folder, String(readdirSync(folder).length));
      const { digests } = await copyVmdkToRaw(new MemorySource(bytes), target, { digests: ['sha256'] });
      expect(digests.sha256).toBe(facts.sha256);
      expect(readFileSync(target).equals(raw)).toBe(true);
    };
    await fc.assert(fc.asyncProperty(fc.array(grain, { maxLength: 6 }), fc.nat(200), property), {
      seed: 5,
      numRuns: 3,
    });
  });
});

describe('what goes wrong', () => {
  test('a file of that name stays as it is', async () => {
    const target = join(scratch(), 'copy');
    writeFileSync(target, 'precious');
    const { bytes } = await vmdkOf(diskBytes());
    await expect(copyVmdkToRaw(new MemorySource(bytes), target)).rejects.toMatchObject({ code: 'IMAGE_WRITE', exitCode: 69 }); // prettier-ignore
    expect(readFileSync(target, 'utf8')).toBe('precious');
  });

  test('of a damaged disk nothing remains', async () => {
    const { bytes } = await vmdkOf(noise(4 * MIB));
    const grains = markersOf(bytes).filter(({ what }) => what === 'grain');
    bytes[grains.at(-2)!.at + 5000]! ^= 1;
    const target = join(scratch(), 'copy');
    await expect(copyVmdkToRaw(new MemorySource(bytes), target)).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: /grain 62 cannot be expanded/,
    });
    expect(existsSync(target)).toBe(false);
  });

  test('grains that lie upon each other, which would make much of little', async () => {
    const folder = scratch();
    const bytes = readFileSync(byQemu(folder, Buffer.alloc(30 * MIB, 1).fill(0, GRAIN), 'monolithicSparse'));
    const table = bytes.readUInt32LE(bytes.readUInt32LE(56) * 512) * 512;
    for (let entry = 1; entry < 480; entry++) bytes.copyWithin(table + 4 * entry, table, table + 4);
    const target = join(folder, 'copy');
    await expect(copyVmdkToRaw(new MemorySource(bytes), target)).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: /upon each other/,
    });
    expect(existsSync(target)).toBe(false);
  });

  test('it is ended by a signal, or refused', async () => {
    const { bytes } = await vmdkOf(noise(4 * MIB));
    const target = join(scratch(), 'copy');
    const source = new MemorySource(bytes);
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(copyVmdkToRaw(source, target, { signal })).rejects.toThrow('stopped');
    await expect(copyVmdkToRaw(source, target, { maxCapacity: MIB })).rejects.toMatchObject({ code: 'IMAGE_UNSUPPORTED' }); // prettier-ignore
    source.broken.push({ from: 2 * MIB, to: 2 * MIB + 1 });
    await expect(copyVmdkToRaw(source, target)).rejects.toMatchObject({ code: 'IMAGE_READ' });
    expect(existsSync(target)).toBe(false);
  });

  test('the host takes no such file', async () => {
    const { bytes } = await vmdkOf(noise(MIB));
    const target = '/proc/self/copy';
    await expect(copyVmdkToRaw(new MemorySource(bytes), target)).rejects.toMatchObject({
      code: 'IMAGE_WRITE',
    });
  });
});
