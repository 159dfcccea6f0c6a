import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { openImage } from '../../src/disk/image.js';
import { openTree } from '../../src/disk/open-tree.js';
import { openRaw } from '../../src/disk/source.js';
import { openVmdk } from '../../src/disk/vmdk/index.js';
import { imageOf, MemorySource, run, scratch } from './ext4-fixture.js';
import {
  byQemu,
  diskBytes,
  GRAIN,
  inBothHeaders,
  markersOf,
  noise,
  vmdkOf,
  withDescriptor,
  type Subformat,
} from './vmdk-fixture.js';

const MIB = 1 << 20;
const open = (bytes: Buffer) => openVmdk(new MemorySource(bytes));

describe('written by qemu-img', () => {
  const raw = diskBytes();
  const large = Buffer.alloc(33 * MIB + 512);
  large.fill('a', 10, 200_000);
  large.fill('b', 33 * MIB - 5);

  test.each<[Subformat, string, Buffer, string[]]>([
    ['streamOptimized', 'zeros between', raw, []],
    ['streamOptimized', 'two grain tables', large, ['adapter_type=lsilogic']],
    ['streamOptimized', 'what does not compress', noise(MIB + 512), []],
    ['streamOptimized', 'all zeros', Buffer.alloc(MIB), []],
    ['streamOptimized', 'a sector', Buffer.alloc(512, 'x'), []],
    ['monolithicSparse', 'zeros between', raw, []],
    ['monolithicSparse', 'two grain tables', large, ['compat6']],
    ['monolithicSparse', 'marked zeros', raw, ['zeroed_grain=on']],
    ['monolithicSparse', 'all zeros', Buffer.alloc(MIB), []],
    ['monolithicSparse', 'a sector', Buffer.alloc(512, 'x'), []],
  ])('%s: %s', async (createType, _, bytes, options) => {
    const path = byQemu(scratch(), bytes, createType, options);
    await using disk = await openVmdk(await openRaw(path));
    expect(disk).toMatchObject({ size: bytes.length, createType });
    expect((await disk.read(0, disk.size)).equals(bytes)).toBe(true);
    await expect(disk.read(bytes.length - 1, 2)).rejects.toMatchObject({ code: 'IMAGE_RANGE' });
  });

  test('grains of zeros that are marked so', async () => {
    const folder = scratch();
    const path = byQemu(folder, raw, 'monolithicSparse', ['zeroed_grain=on']);
    run('qemu-io', ['-f', 'vmdk', '-c', `write -z 0 ${GRAIN}`, path]);
    await using disk = await openImage(path);
    const expected = Buffer.from(raw).fill(0, 0, GRAIN);
    expect((await disk.read(0, disk.size)).equals(expected)).toBe(true);
  });

  test.each<Subformat>(['streamOptimized', 'monolithicSparse'])('any part of %s', async (subformat) => {
    await using disk = await openImage(byQemu(scratch(), raw, subformat));
    const range = fc
      .nat(raw.length)
      .chain((at) => fc.tuple(fc.constant(at), fc.nat(Math.min(900_000, raw.length - at))));
    const property = async ([at, length]: [number, number]): Promise<void> => {
      const into = Buffer.alloc(length + 10, 0xaa);
      const both = await Promise.all([disk.read(at, length, into), disk.read(0, Math.min(at, 1000))]);
      expect(both[0].equals(raw.subarray(at, at + length))).toBe(true);
      expect(both[1].equals(raw.subarray(0, Math.min(at, 1000)))).toBe(true);
      expect(into.subarray(length).equals(Buffer.alloc(10, 0xaa))).toBe(true);
    };
    await fc.assert(fc.asyncProperty(range, property), { seed: 3, numRuns: 100 });
  });

  test('a file system in one is found', async () => {
    const image = imageOf({ 'd/file': 'contents' }, { mke2fs: ['-L', 'LABEL'] });
    await using opened = await openTree(byQemu(scratch(), image, 'streamOptimized'));
    expect(opened).toMatchObject({ fileSystem: 'ext4', tree: { label: 'LABEL' } });
  });
});

describe('what others write', () => {
  const raw = diskBytes();
  let vmdk: Buffer;
  beforeAll(async () => ({ bytes: vmdk } = await vmdkOf(raw)));
  const read = async (bytes: Buffer): Promise<Buffer> => {
    const disk = await open(bytes);
    return disk.read(0, disk.size);
  };

  test.each([1, 2, 3])('version %i', async (version) => {
    expect((await read(inBothHeaders(vmdk, (header) => header.writeUInt32LE(version, 4)))).equals(raw)).toBe(
      true,
    );
  });

  test('a capacity that is rounded up to whole grains, as by VirtualBox', async () => {
    const capacity = Math.ceil(raw.length / GRAIN) * (GRAIN / 512);
    const rounded = inBothHeaders(vmdk, (header) => header.writeBigUInt64LE(BigInt(capacity), 12));
    expect((await read(rounded)).equals(raw)).toBe(true);
  });

  test('a last grain that is not filled up, as by open-vmdk and qemu-img', async () => {
    const tail = raw.subarray(-(raw.length % GRAIN));
    const last = markersOf(vmdk)
      .filter(({ what }) => what === 'grain')
      .at(-1)!;
    const compressed = deflateSync(tail);
    const bytes = Buffer.from(vmdk);
    bytes.writeUInt32LE(compressed.length, last.at + 8);
    compressed.copy(bytes, last.at + 12);
    expect((await read(bytes)).equals(raw)).toBe(true);
    deflateSync(tail.subarray(1)).copy(bytes, last.at + 12);
    await expect(read(bytes)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
  });

  test.each<[name: string, change: (text: string) => string]>([
    ['ends of lines of Windows', (text) => text.replaceAll('\n', '\r\n')],
    ['another name of the text', (text) => text.replace('DescriptorFile', 'Descriptor File')],
    ['spaces and quotes', (text) => text.replace('parentCID=ffffffff', 'parentCID = "FFFFFFFF" ')],
    ['an offset of the extent', (text) => text.replace('stream.vmdk"', 'stream.vmdk" 0')],
    ['an extent that may be written', (text) => text.replace('RDONLY', 'RW')],
    ['keys that are not known', (text) => `${text}changeTrackPath="disk-ctk.vmdk"\nddb.uuid.parent="0"\n`],
  ])('a descriptor with %s', async (_, change) => {
    expect((await read(withDescriptor(vmdk, change))).equals(raw)).toBe(true);
  });
});

describe('disks in several files, and other files of the host', () => {
  const unsupported = { code: 'IMAGE_UNSUPPORTED' };

  test('a delta disk is refused', async () => {
    const folder = scratch();
    const parent = byQemu(folder, diskBytes(), 'monolithicSparse');
    const delta = join(folder, 'delta.vmdk');
    run('qemu-img', ['create', '-q', '-f', 'vmdk', '-b', parent, '-F', 'vmdk', delta]);
    await expect(openImage(delta)).rejects.toMatchObject({ ...unsupported, message: /a parent/ });
  });

  test.each(['twoGbMaxExtentSparse', 'monolithicFlat'])('%s is refused, its parts too', async (subformat) => {
    const folder = scratch();
    const image = join(folder, 'disk.vmdk');
    run('qemu-img', ['create', '-q', '-f', 'vmdk', '-o', `subformat=${subformat}`, image, '5M']);
    await expect(openTree(image)).rejects.toMatchObject({ code: 'IMAGE_CONTENT', message: /several files/ });
    await expect(openImage(image, 'vmdk')).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
    const parts = readdirSync(folder).filter((name) => name.includes('-s0'));
    expect(parts.length).toBe(subformat === 'monolithicFlat' ? 0 : 1);
    for (const part of parts) await expect(openImage(join(folder, part))).rejects.toMatchObject(unsupported);
  });

  test('a header that points at a descriptor instead of grains', async () => {
    const folder = scratch();
    writeFileSync(join(folder, 'secret'), Buffer.alloc(MIB, 'secret'));
    const { bytes } = await vmdkOf(diskBytes());
    bytes.writeBigUInt64LE(0n, 12);
    const flat = withDescriptor(bytes, (text) =>
      text
        .replace('streamOptimized', 'monolithicFlat')
        .replace(/^RDONLY.*$/m, `RW 2048 FLAT "${join(folder, 'secret')}" 0`),
    );
    const image = join(folder, 'image');
    writeFileSync(image, flat);
    // That is what it is about: the tool hands the file out.
    const leaked = join(folder, 'leaked');
    run('qemu-img', ['convert', '-f', 'vmdk', '-O', 'raw', image, leaked]);
    expect(readFileSync(leaked, 'latin1')).toContain('secretsecret');
    await expect(openImage(image)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
  });
});
