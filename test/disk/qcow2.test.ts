import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openImage } from '../../src/disk/image.js';
import { openQcow2 } from '../../src/disk/qcow2/reader.js';
import { openRaw } from '../../src/disk/source.js';
import { MemorySource, makeImage, plant, run, scratch } from './ext4-fixture.js';
import { extractedImage } from './extract-fixture.js';
import { GvaError } from '../../src/system/errors.js';

const CLUSTER = 65536;

/** A disk with data, holes and zeros, of a size that is a multiple of sectors only. */
function diskBytes(): Buffer {
  const bytes = Buffer.alloc(5867 * 512);
  const ranges: [number, number][] = [[0, 100_000], [700_000, 700_001], [1_000_000, 1_900_000], [2_990_000, 3_003_904]]; // prettier-ignore
  for (const [from, to] of ranges) for (let at = from; at < to; at += 1) bytes[at] = (at * 7) ^ (at >> 9);
  return bytes;
}

/** Converts a raw disk by qemu-img, and gives the new image's path. */
function converted(folder: string, raw: Buffer, args: readonly string[]): string {
  const image = join(folder, 'image.qcow2');
  writeFileSync(join(folder, 'raw'), raw);
  run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', ...args, join(folder, 'raw'), image]);
  return image;
}

describe('images by qemu-img', () => {
  test.each<[name: string, args: string[]]>([
    ['version 3', []],
    ['version 2', ['-o', 'compat=0.10']],
    ['clusters of 512 bytes', ['-o', 'cluster_size=512']],
    ['clusters of 2 MiB', ['-o', 'cluster_size=2M']],
    ['compressed', ['-c']],
    ['compressed, clusters of 4 KiB', ['-c', '-o', 'cluster_size=4096']],
    ['compressed, clusters of 2 MiB', ['-c', '-o', 'cluster_size=2M']],
    ['preallocated metadata', ['-o', 'preallocation=metadata']],
    ['fully preallocated', ['-o', 'preallocation=full']],
    ['lazy reference counts', ['-o', 'lazy_refcounts=on']],
  ])('%s', async (_, args) => {
    const raw = diskBytes();
    await using disk = await openImage(converted(scratch(), raw, args));
    expect(disk.size).toBe(raw.length);
    expect((await disk.read(0, disk.size)).equals(raw)).toBe(true);
    for (const [at, length] of [
      [0, 1],
      [65_000, 2000],
      [699_999, 3],
      [1_899_000, 300_000],
      [raw.length - 1, 1],
    ] as const)
      // prettier-ignore
      expect((await disk.read(at, length)).equals(raw.subarray(at, at + length))).toBe(true);
    await expect(disk.read(raw.length - 1, 2)).rejects.toMatchObject({ code: 'IMAGE_RANGE' });
    await expect(disk.read(-1, 1)).rejects.toMatchObject({ code: 'IMAGE_RANGE' });
  });

  test('zstd is refused', async () => {
    const image = converted(scratch(), diskBytes(), ['-c', '-o', 'compression_type=zstd']);
    await expect(openImage(image)).rejects.toMatchObject({ code: 'IMAGE_UNSUPPORTED' });
  });

  test('a file system in one is extracted', async () => {
    const folder = scratch();
    plant(join(folder, 'tree'), { 'd/file': 'contents' });
    const image = converted(folder, readFileSync(makeImage(join(folder, 'tree'), join(folder, 'fs'))), [
      '-c',
    ]);
    await using disk = await openImage(image);
    expect((await extractedImage(disk)).found.get('d/file')).toBe('file 644 8 contents');
  });

  test('any part reads as it was written', async () => {
    const raw = diskBytes();
    await using disk = await openImage(converted(scratch(), raw, ['-c', '-o', 'cluster_size=16k']));
    const range = fc
      .nat(raw.length)
      .chain((at) => fc.tuple(fc.constant(at), fc.nat(Math.min(90_000, raw.length - at))));
    await fc.assert(
      fc.asyncProperty(range, async ([at, length]) => {
        const into = Buffer.alloc(length + 10, 0xaa);
        const bytes = await disk.read(at, length, into);
        expect(bytes.equals(raw.subarray(at, at + length))).toBe(true);
      }),
      { seed: 3, numRuns: 200 },
    );
  });
});

describe('other files of the host are never opened', () => {
  const refused = { code: 'IMAGE_UNSUPPORTED' };

  test.each<[name: string, args: (folder: string) => string[]]>([
    ['a backing file', (folder) => ['-b', join(folder, 'secret'), '-F', 'raw']],
    ['an external data file', (folder) => ['-o', `data_file=${join(folder, 'secret')}`]],
    ['extended L2 entries', () => ['-o', 'extended_l2=on']],
  ])('%s', async (_, args) => {
    const folder = scratch();
    writeFileSync(join(folder, 'secret'), Buffer.alloc(1 << 20, 'secret'));
    const image = join(folder, 'image');
    run('qemu-img', ['create', '-q', '-f', 'qcow2', ...args(folder), image, '1M']);
    await expect(openImage(image)).rejects.toMatchObject(refused);
  });
});

describe('what is opened', () => {
  test('raw, whatever it holds, when told so', async () => {
    const path = join(scratch(), 'image');
    writeFileSync(path, 'QFI\xfb and nothing more', 'latin1');
    await using disk = await openImage(path, 'raw');
    expect(disk.size).toBe(21);
    await expect(openImage(path)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
  });

  test('no image, no file, or another format', async () => {
    const folder = scratch();
    await expect(openImage(join(folder, 'missing'))).rejects.toMatchObject({ code: 'IMAGE_OPEN' });
    await expect(openRaw(folder)).rejects.toMatchObject({ code: 'IMAGE_OPEN' });
    await expect(openRaw('/dev/null')).rejects.toMatchObject({ code: 'IMAGE_OPEN' });
    writeFileSync(join(folder, 'raw'), 'xyz');
    await expect(openImage(join(folder, 'raw'), 'qcow2')).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
    await using disk = await openImage(join(folder, 'raw'));
    expect((await disk.read(0, 3)).toString()).toBe('xyz');
  });
});

/** An image of 4 clusters' size: header, L1 table, L2 table, one cluster of data that is the disk's first. */
function evilQcow2(): Buffer {
  const bytes = Buffer.alloc(4 * CLUSTER);
  bytes.writeUInt32BE(0x514649fb, 0);
  bytes.writeUInt32BE(3, 4);
  bytes.writeUInt32BE(16, 20);
  bytes.writeBigUInt64BE(BigInt(4 * CLUSTER), 24);
  bytes.writeUInt32BE(1, 36);
  bytes.writeBigUInt64BE(BigInt(CLUSTER), 40);
  bytes.writeUInt32BE(104, 100);
  bytes.writeBigUInt64BE(BigInt(2 * CLUSTER), CLUSTER);
  bytes.writeBigUInt64BE(BigInt(3 * CLUSTER), 2 * CLUSTER);
  bytes.fill('d', 3 * CLUSTER);
  return bytes;
}

describe('hostile numbers', () => {
  const L2 = 2 * CLUSTER;
  const open = (bytes: Buffer) => openQcow2(new MemorySource(bytes));

  test('without them all is well', async () => {
    const disk = await open(evilQcow2());
    expect((await disk.read(CLUSTER - 2, 4)).toString('latin1')).toBe('dd\0\0');
  });

  test.each<[name: string, evil: (bytes: Buffer) => unknown, code?: string]>([
    ['version 1', (b) => b.writeUInt32BE(1, 4), 'IMAGE_UNSUPPORTED'],
    ['clusters of a byte', (b) => b.writeUInt32BE(0, 20)],
    ['clusters of 2^64 bytes', (b) => b.writeUInt32BE(64, 20)],
    ['a size of exabytes', (b) => b.writeBigUInt64BE(1n << 62n, 24)],
    ['a size beyond the L1 table', (b) => b.writeBigUInt64BE(1n << 50n, 24)],
    ['an L1 table beyond the file', (b) => b.writeUInt32BE(0xffffffff, 36)],
    ['an L1 table elsewhere', (b) => b.writeBigUInt64BE(1n << 40n, 40)],
    ['an L1 table at an odd place', (b) => b.writeBigUInt64BE(9n, 40)],
    ['encryption', (b) => b.writeUInt32BE(2, 32), 'IMAGE_UNSUPPORTED'],
    ['unknown features', (b) => b.writeBigUInt64BE(1n << 63n, 72), 'IMAGE_UNSUPPORTED'],
    [
      'an unknown compression',
      (b) => (b.writeBigUInt64BE(8n, 72), b.writeUInt8(7, 104)),
      'IMAGE_UNSUPPORTED',
    ],
  ])('in the header: %s', async (_, evil, code = 'IMAGE_CORRUPT') => {
    const bytes = evilQcow2();
    evil(bytes);
    await expect(open(bytes)).rejects.toMatchObject({ code });
  });

  test.each<[name: string, evil: (bytes: Buffer) => unknown]>([
    ['a cluster beyond the file', (b) => b.writeBigUInt64BE(BigInt(4 * CLUSTER), L2)],
    ['a cluster at an odd place', (b) => b.writeBigUInt64BE(512n, L2)],
    ['a zero cluster in version 2', (b) => (b.writeUInt32BE(2, 4), b.writeBigUInt64BE(1n, L2))],
    ['a compressed cluster beyond the file', (b) => b.writeBigUInt64BE((1n << 62n) | (1n << 50n), L2)],
    ['a compressed cluster that is none', (b) => b.writeBigUInt64BE((1n << 62n) | BigInt(3 * CLUSTER), L2)],
    ['a compressed cluster of nothing', (b) => b.writeBigUInt64BE((1n << 62n) | BigInt(CLUSTER + 4096), L2)],
  ])('in a table: %s', async (_, evil) => {
    const bytes = evilQcow2();
    evil(bytes);
    const disk = await open(bytes);
    await expect(disk.read(0, 2 * CLUSTER)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
    expect((await disk.read(CLUSTER, 10)).equals(Buffer.alloc(10))).toBe(true); // beside it all is well
  });

  test.each([1n << 50n, 512n])('an L2 table at byte %i', async (at) => {
    const bytes = evilQcow2();
    bytes.writeBigUInt64BE(at, CLUSTER);
    await expect((await open(bytes)).read(0, 1)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
  });

  test('a compressed cluster that expands to more than a cluster', async () => {
    const { deflateRawSync } = await import('node:zlib');
    const bytes = evilQcow2();
    deflateRawSync(Buffer.alloc(100 << 20)).copy(bytes, 3 * CLUSTER, 0, CLUSTER);
    bytes.writeBigUInt64BE((1n << 62n) | (127n << 54n) | BigInt(3 * CLUSTER), L2);
    await expect((await open(bytes)).read(0, 1)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
  });

  test('zero clusters, tables within themselves, and a file that ends within a cluster', async () => {
    const bytes = evilQcow2();
    bytes.writeBigUInt64BE(BigInt(3 * CLUSTER) | 1n, L2);
    bytes.writeBigUInt64BE(BigInt(2 * CLUSTER), L2 + 8);
    bytes.writeBigUInt64BE(BigInt(3 * CLUSTER) | (1n << 63n), L2 + 16);
    const disk = await open(bytes.subarray(0, 3 * CLUSTER + 100));
    expect((await disk.read(0, CLUSTER)).equals(Buffer.alloc(CLUSTER))).toBe(true);
    expect((await disk.read(CLUSTER, 8)).readBigUInt64BE()).toBe(BigInt(3 * CLUSTER) | 1n);
    expect((await disk.read(2 * CLUSTER + 98, 4)).toString('latin1')).toBe('dd\0\0');
  });

  test('any change of its tables is read or refused, never a crash', async () => {
    const patch = fc.tuple(
      fc.oneof(fc.nat(112), fc.nat(32).map((at) => CLUSTER + at), fc.nat(64).map((at) => L2 + at)), // prettier-ignore
      fc.oneof(fc.constantFrom(0, 1, 0x40, 0x7f, 0x80, 0xff), fc.nat(255)),
    );
    const check = async (patches: [number, number][], cut: number): Promise<void> => {
      const bytes = evilQcow2().subarray(0, cut);
      for (const [at, value] of patches) if (at < bytes.length) bytes[at] = value;
      try {
        const disk = await open(bytes);
        const length = Math.min(disk.size, 8 * CLUSTER);
        await disk.read(0, length);
        await disk.read(disk.size - 1, 1);
      } catch (error) {
        expect(error).toBeInstanceOf(GvaError);
      }
    };
    await fc.assert(fc.asyncProperty(fc.array(patch, { maxLength: 6 }), fc.nat(4 * CLUSTER), check), {
      seed: 17,
      numRuns: 2000,
    });
  });
});
