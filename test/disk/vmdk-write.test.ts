import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openRaw } from '../../src/disk/source.js';
import { dataRanges, parseExtents } from '../../src/disk/vmdk/data-ranges.js';
import { blankDisk, openVmdk, writeVmdk } from '../../src/disk/vmdk/index.js';
import { requireTool } from '../support/tools.js';
import { MemorySource, run, scratch } from './ext4-fixture.js';
import {
  CONTENT_ID,
  diskBytes,
  GRAIN,
  markersOf,
  noise,
  readByQemu,
  sha256,
  sparseFile,
  vmdkOf,
} from './vmdk-fixture.js';

const MIB = 1 << 20;

/** Bytes of a disk, all zeros but for these pieces. */
function disk(size: number, ...pieces: [at: number, bytes: Buffer | string][]): Buffer {
  const bytes = Buffer.alloc(size);
  for (const [at, piece] of pieces) bytes.fill(piece, at, at + piece.length);
  return bytes;
}

/** The grains that are not all zeros, with their lengths. */
function populated(raw: Buffer): { index: number; length: number }[] {
  const grains = Array.from({ length: Math.ceil(raw.length / GRAIN) }, (_, index) => ({
    index,
    bytes: raw.subarray(index * GRAIN, (index + 1) * GRAIN),
  }));
  const used = grains.filter(({ bytes }) => !bytes.equals(Buffer.alloc(bytes.length)));
  return used.map(({ index, bytes }) => ({ index, length: bytes.length }));
}

/** Grains, each table behind its grains, directory, footer, end of stream; and no byte more. */
function checkStream(bytes: Buffer, grains: readonly number[]): void {
  const markers = markersOf(bytes);
  const expected = grains.flatMap((index, n) => {
    const next = grains[n + 1];
    const isLast = next === undefined || Math.floor(next / 512) > Math.floor(index / 512);
    return isLast ? ['grain', 'grain table'] : ['grain'];
  });
  expect(markers.map(({ what }) => what)).toEqual([
    ...expected,
    'grain directory',
    'footer',
    'end of stream',
  ]);
  expect(markers.filter(({ what }) => what === 'grain').map(({ value }) => value / 128)).toEqual(grains);
  const [directory, footer, end] = markers.slice(-3).map(({ at }) => at);
  expect(end).toBe(bytes.length - 512);
  expect(bytes.subarray(end).equals(Buffer.alloc(512))).toBe(true);
  const header = Buffer.from(bytes.subarray(0, 512));
  expect(header.readBigUInt64LE(56)).toBe(0xffff_ffff_ffff_ffffn);
  header.writeBigUInt64LE(BigInt(directory! / 512 + 1), 56);
  expect(header.equals(bytes.subarray(footer! + 512, footer! + 1024))).toBe(true);
}

const disks: [name: string, raw: () => Buffer][] = [
  ['one sector', () => disk(512, [0, 'x'])],
  ['a sector less than a grain', () => noise(GRAIN - 512)],
  ['one grain', () => noise(GRAIN)],
  ['a sector more than a grain', () => noise(GRAIN + 512)],
  ['one grain table', () => disk(32 * MIB, [0, 'x'], [32 * MIB - 1, 'y'])],
  ['a sector more than a grain table', () => disk(32 * MIB + 512, [0, 'x'], [32 * MIB + 511, 'y'])],
  ['what does not compress', () => noise(3 * MIB)],
  ['what compresses well', () => Buffer.alloc(3 * MIB, 'text ')],
  ['zeros between', () => diskBytes()],
  ['all zeros', () => Buffer.alloc(5 * MIB)],
  ['the last byte only', () => disk(5 * MIB, [5 * MIB - 1, 'z'])],
];

describe('what is written', () => {
  test.each(disks)('%s: the same for qemu-img and for us', async (_, make) => {
    const raw = make();
    const { bytes, facts } = await vmdkOf(raw);
    const populatedSize = populated(raw).reduce((sum, { length }) => sum + length, 0);
    expect(facts).toEqual({ size: bytes.length, capacity: raw.length, populatedSize, sha256: sha256(bytes) });
    expect(readByQemu(scratch(), bytes).equals(raw)).toBe(true);
    await using opened = await openVmdk(new MemorySource(bytes));
    expect(opened).toMatchObject({ size: raw.length, createType: 'streamOptimized' });
    expect((await opened.read(0, raw.length)).equals(raw)).toBe(true);
    checkStream(
      bytes,
      populated(raw).map(({ index }) => index),
    );
  });

  test('header and descriptor, as qemu-img understands them', async () => {
    const folder = scratch();
    const { bytes } = await vmdkOf(disk(40 * MIB, [MIB, 'data']));
    readByQemu(folder, bytes);
    const info = JSON.parse(run('qemu-img', ['info', '--output=json', join(folder, 'ours.vmdk')])) as object;
    expect(info).toMatchObject({
      format: 'vmdk',
      'virtual-size': 40 * MIB,
      'format-specific': {
        data: { 'create-type': 'streamOptimized', cid: 0x89abcdef, 'parent-cid': 0xffffffff },
      },
    });
    expect([bytes.readUInt32LE(4), bytes.readUInt32LE(8), bytes.readUInt16LE(77)]).toEqual([3, 0x30001, 1]);
    const text = bytes.toString('latin1', 512, bytes.indexOf(0, 512)).split('\n');
    expect(text).toEqual(
      expect.arrayContaining([
        '# Disk DescriptorFile',
        'CID=89abcdef',
        'parentCID=ffffffff',
        'createType="streamOptimized"',
        'RDONLY 81920 SPARSE "generated-stream.vmdk"',
        'ddb.adapterType = "lsilogic"',
        'ddb.geometry.cylinders = "6"',
        'ddb.longContentID = "0123456789abcdef0123456789abcdef"',
        'ddb.toolsVersion = "2147483647"',
      ]),
    );
  });

  test('a disk that ends within a sector is filled up with zeros', async () => {
    const raw = Buffer.alloc(GRAIN + 1000, 'tail');
    const { bytes, facts } = await vmdkOf(raw);
    expect(facts).toMatchObject({ capacity: GRAIN + 1024, populatedSize: GRAIN + 1024 });
    expect(readByQemu(scratch(), bytes).equals(Buffer.concat([raw, Buffer.alloc(24)]))).toBe(true);
  });

  test('the same bytes each time, whatever the source', async () => {
    const raw = diskBytes();
    const path = sparseFile(join(scratch(), 'raw'), raw.length, [[0, raw]]);
    const { bytes, facts } = await vmdkOf(raw, { digests: ['sha1'] });
    expect(facts.sha1).toMatch(/^[0-9a-f]{40}$/);
    await using opened = await openRaw(path);
    for (const again of [raw, path, opened]) expect((await vmdkOf(again)).bytes.equals(bytes)).toBe(true);
    expect((await vmdkOf(raw, { level: 1 })).bytes.length).toBeGreaterThan(bytes.length);
    const other = (await vmdkOf(raw, { contentId: 'f'.repeat(32) })).bytes;
    // That CID would mean that there is no parent.
    expect(other.toString('latin1')).toContain('CID=fffffffd\nparentCID=ffffffff');
    expect(other.subarray(21 * 512).equals(bytes.subarray(21 * 512))).toBe(true);
  });

  test('any disk', async () => {
    const grain = fc.tuple(fc.nat(519), fc.integer({ min: 1, max: 255 }), fc.nat(GRAIN - 1), fc.nat(GRAIN));
    const property = async (grains: [number, number, number, number][], cut: number): Promise<void> => {
      const raw = Buffer.alloc(520 * GRAIN - cut * 512);
      for (const [index, value, at, length] of grains)
        raw.subarray(index * GRAIN + at, index * GRAIN + Math.min(GRAIN, at + length)).fill(value);
      const { bytes } = await vmdkOf(raw, { level: 1 });
      await using opened = await openVmdk(new MemorySource(bytes));
      expect((await opened.read(0, raw.length)).equals(raw)).toBe(true);
    };
    await fc.assert(fc.asyncProperty(fc.array(grain, { maxLength: 8 }), fc.nat(200), property), {
      seed: 4,
      numRuns: 4,
    });
  });
});

describe('holes', () => {
  const size = 300 * MIB + 512;
  const pieces: [number, Buffer][] = [[5 * MIB + 100, noise(200_000)], [200 * MIB, noise(1000)], [size - 100, noise(100)]]; // prettier-ignore
  const sparse = (): string => sparseFile(join(scratch(), 'raw'), size, pieces);

  test.skipIf(!listsExtents())(
    'a file is not read where it has none (skipped where the temporary folder has no list of extents)',
    async () => {
      const path = sparse();
      const ranges = (await dataRanges(path)) ?? [{ offset: 0, length: size }];
      const read = ranges.reduce((sum, { length }) => sum + length, 0);
      expect(read).toBeLessThan(statSync(path).blocks * 512 + MIB);
      for (const [at, bytes] of pieces)
      expect(ranges.some((each) => each.offset <= at && each.offset + each.length >= at + bytes.length)).toBe(true); // prettier-ignore
    },
  );

  test('the same bytes as by reading everything, and as qemu-img reads', async () => {
    const path = sparse();
    const { bytes, facts } = await vmdkOf(path);
    expect(facts).toMatchObject({ capacity: size, populatedSize: 5 * GRAIN + 512 });
    await using whole = await openRaw(path);
    expect((await vmdkOf(whole)).bytes.equals(bytes)).toBe(true);
    const folder = scratch();
    readByQemu(folder, bytes);
    run('qemu-img', ['compare', '-q', '-f', 'raw', '-F', 'vmdk', path, join(folder, 'ours.vmdk')]);
  });

  test('a small file, a full one, and one whose name could pass for a line of the list', async () => {
    const folder = scratch();
    expect(await dataRanges(sparseFile(join(folder, 'small'), MIB, []))).toBeUndefined();
    expect(await dataRanges(sparseFile(join(folder, 'full'), MIB, [[0, noise(MIB)]]))).toBeUndefined();
    const name = 'a\n   0:        0..   10:     1..    11:     11:      last';
    expect(await dataRanges(sparseFile(join(folder, name), size, []))).toBeUndefined();
  });

  const list = `Filesystem type is: ef53
File size of raw is 314572800 (314572800 blocks of 1 bytes)
 ext:     logical_offset:        physical_offset: length:   expected: flags:
   0: 99999744..100003839: 94639611904..94639615999:   4096:   99999744:
   1: 157286400..158334975: 94626643968..94627692543: 1048576: 94696898560: unwritten
   2: 314568704..314580991: 94640275456..94640287743: 12288: 94679072768: last,unknown_loc,delalloc,eof
raw: 3 extents found
`;
  const file = { size: 314572800, allocated: 4096 + 1048576 + 12288 };

  test('the list of a file is understood', () => {
    expect(parseExtents(list, file)).toEqual([
      { offset: 99999744, length: 4096 },
      { offset: 157286400, length: 1048576 },
      { offset: 314568704, length: 4096 },
    ]);
    const none = `File size of raw is ${file.size} (76800 blocks of 4096 bytes)\nraw: 0 extents found\n`;
    expect(parseExtents(none, { ...file, allocated: 0 })).toEqual([]);
  });

  test.each<[string, string, typeof file]>([
    ['of another size', list, { ...file, size: 1 << 30 }],
    ['a line is missing', list.replace(/^ +1:.*\n/m, ''), file],
    ['the end is missing', list.replace(/raw: .*\n/, ''), file],
    ['the last one is not the last', list.replace('last,', ''), file],
    ['the last one comes early', list.replace('unwritten', 'last'), file],
    ['out of order', list.replace('157286400', '000000000'), file],
    ['upside down', list.replace('158334975', '157286399'), file],
    ['less than the file has', list, { ...file, allocated: 8 * MIB }],
    ['something else', 'raw: 0 extents found', file],
  ])('a list that is not sure is not used: %s', (_, text, of) => {
    expect(parseExtents(text, of)).toBeUndefined();
  });

  test('a blank disk of a tebibyte, of which nothing is read', async () => {
    const { bytes, facts } = await vmdkOf(blankDisk(2 ** 40), { data: [] });
    expect(facts).toMatchObject({ capacity: 2 ** 40, populatedSize: 0 });
    expect(bytes.length).toBeLessThan(150_000);
    const path = join(scratch(), 'blank.vmdk');
    writeFileSync(path, bytes);
    const info = JSON.parse(run('qemu-img', ['info', '--output=json', path])) as object;
    expect(info).toMatchObject({ 'virtual-size': 2 ** 40 });
    const blank = blankDisk(1000);
    expect((await blank.read(500, 500)).equals(Buffer.alloc(500))).toBe(true);
    expect(() => blank.read(500, 501)).toThrow(/outside the image/);
  });

  test('ranges that another disk knows', async () => {
    const raw = diskBytes();
    const { bytes } = await vmdkOf(raw);
    await using opened = await openVmdk(new MemorySource(bytes));
    expect((await vmdkOf(opened, { data: opened.data() })).bytes.equals(bytes)).toBe(true);
    const backwards = [{ offset: GRAIN, length: 1 }, { offset: 0, length: 1 }]; // prettier-ignore
    await expect(vmdkOf(raw, { data: backwards })).rejects.toThrow(RangeError);
  });
});

/** Whether the file system of temporary files answers FIEMAP; tmpfs does not. */
function listsExtents(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'gva-disk-'));
  try {
    const path = sparseFile(join(folder, 'file'), MIB, [[0, Buffer.from('x')]]);
    return spawnSync(requireTool('filefrag'), ['-v', path]).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('what goes wrong', () => {
  const write = () => Promise.resolve();

  test('nothing to write, or too much', async () => {
    await expect(vmdkOf(Buffer.alloc(0))).rejects.toMatchObject({ code: 'VMDK_EMPTY' });
    await expect(vmdkOf(blankDisk(2 ** 46 + 1))).rejects.toMatchObject({ code: 'VMDK_TOO_LARGE' });
    await expect(vmdkOf(join(scratch(), 'missing'))).rejects.toMatchObject({ code: 'IMAGE_OPEN' });
    await expect(vmdkOf(Buffer.alloc(512), { contentId: 'short' })).rejects.toThrow(RangeError);
  });

  test('the source cannot be read', async () => {
    const source = new MemorySource(noise(4 * MIB));
    source.broken.push({ from: 3 * MIB, to: 3 * MIB + 1 });
    await expect(vmdkOf(source)).rejects.toMatchObject({ code: 'IMAGE_READ' });
  });

  test('the bytes cannot be taken', async () => {
    const source = new MemorySource(noise(4 * MIB));
    const full = () => Promise.reject(new Error('no space'));
    await expect(writeVmdk(source, full, { contentId: CONTENT_ID })).rejects.toThrow('no space');
  });

  test('it is ended by a signal', async () => {
    const source = new MemorySource(noise(4 * MIB));
    const stopped = new AbortController();
    const stop = (): Promise<void> => {
      stopped.abort(new Error('stopped'));
      return Promise.resolve();
    };
    const options = { contentId: CONTENT_ID, signal: stopped.signal };
    await expect(writeVmdk(source, stop, options)).rejects.toThrow('stopped');
    await expect(writeVmdk(source, write, options)).rejects.toThrow('stopped');
    const path = sparseFile(join(scratch(), 'raw'), 300 * MIB, []);
    await expect(writeVmdk(path, write, options)).rejects.toThrow('stopped');
    expect(existsSync(path)).toBe(true);
  });
});
