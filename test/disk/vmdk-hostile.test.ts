import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { openVmdk } from '../../src/disk/vmdk/index.js';
import { MemorySource, scratch } from './ext4-fixture.js';
import {
  byQemu,
  diskBytes,
  GRAIN,
  inBothHeaders,
  markersOf,
  vmdkOf,
  withDescriptor,
} from './vmdk-fixture.js';

const MIB = 1 << 20;
const open = (bytes: Buffer) => openVmdk(new MemorySource(bytes));

describe('hostile numbers', () => {
  const raw = diskBytes();
  let vmdk: Buffer;
  beforeAll(async () => ({ bytes: vmdk } = await vmdkOf(raw)));
  const at64 = (at: number, value: bigint) => (bytes: Buffer) =>
    inBothHeaders(bytes, (header) => header.writeBigUInt64LE(value, at));
  const at32 = (at: number, value: number) => (bytes: Buffer) =>
    inBothHeaders(bytes, (header) => header.writeUInt32LE(value, at));
  const inFooter = (at: number, value: bigint) => (bytes: Buffer) => {
    bytes.writeBigUInt64LE(value, bytes.length - 1024 + at);
    return bytes;
  };

  test.each<[string, evil: (bytes: Buffer) => Buffer, RegExp, code?: string]>([
    ['another magic', (b) => Buffer.concat([Buffer.from('KDMW'), b.subarray(4)]), /does not begin/],
    ['a file of 4 bytes', (b) => b.subarray(0, 4), /cut off/],
    ['a file without its end', (b) => b.subarray(0, 1024), /footer is cut off/],
    ['an empty file', () => Buffer.alloc(0), /does not begin/],
    ['version 0', at32(4, 0), /version 0/, 'IMAGE_UNSUPPORTED'],
    ['version 4', at32(4, 4), /version 4/, 'IMAGE_UNSUPPORTED'],
    ['unknown features', at32(8, 0x70001), /features 0x40000/, 'IMAGE_UNSUPPORTED'],
    ['the highest feature', at32(8, 0x80030001), /features 0x80000000/, 'IMAGE_UNSUPPORTED'],
    ['compression without markers', at32(8, 0x10001), /without markers/, 'IMAGE_UNSUPPORTED'],
    ['no compression', at32(8, 1), /contradict/],
    [
      'another compression',
      (b) => inBothHeaders(b, (h) => h.writeUInt16LE(2, 77)),
      /method 2/,
      'IMAGE_UNSUPPORTED',
    ],
    ['ends of lines translated', (b) => inBothHeaders(b, (h) => h.write('\n\n', 75)), /ends of lines/],
    ['no capacity', at64(12, 0n), /capacity is 0/],
    ['a capacity of 2^63', at64(12, 1n << 63n), /capacity is 9223372036854775808/],
    ['a capacity of petabytes', at64(12, 1n << 41n), /1125899906842624 bytes, where/, 'IMAGE_UNSUPPORTED'],
    ['a capacity beyond the directory', at64(12, 1n << 36n), /directory is outside/],
    ['a capacity unlike the extent', at64(12, 100_000n), /its extent has/],
    ['grains of no bytes', at64(20, 0n), /grains of 0/],
    ['grains of 2 KiB', at64(20, 4n), /grains of 2048/],
    ['grains of 96 KiB', at64(20, 192n), /grains of 98304/],
    ['grains of 2 GiB', at64(20, 1n << 22n), /grains of/],
    ['no descriptor', at64(28, 0n), /no descriptor/, 'IMAGE_UNSUPPORTED'],
    ['a descriptor of no bytes', at64(36, 0n), /no descriptor/, 'IMAGE_UNSUPPORTED'],
    ['a descriptor of 2 MiB', at64(36, 4096n), /descriptor has 2097152/],
    ['a descriptor outside', at64(28, 1n << 20n), /descriptor is outside/],
    ['no grain tables', at32(44, 0), /tables of 0/],
    ['grain tables of 500 entries', at32(44, 500), /tables of 500/],
    ['grain tables of 2^31 entries', at32(44, 2 ** 31), /tables of/],
    ['no grain directory', at64(56, 0n), /directory is outside/],
    ['a grain directory outside', at64(56, 1n << 40n), /directory is outside/],
    ['a footer that refers to itself', inFooter(56, 0xffff_ffff_ffff_ffffn), /does not say/],
    ['a footer of another capacity', inFooter(12, 1n), /contradict/],
    ['a footer of another grain size', inFooter(20, 8n), /contradict/],
    ['a footer of another descriptor', inFooter(28, 2n), /contradict/],
    ['a footer of another magic', inFooter(0, 0n), /end with a footer/],
    ['no marker before the footer', (b) => b.fill(0, b.length - 1536, b.length - 1024), /end with a footer/],
    ['no end of the stream', (b) => b.fill(1, b.length - 512), /end with a footer/],
  ])('in the header: %s', async (_, evil, message, code = 'IMAGE_CORRUPT') => {
    await expect(open(evil(Buffer.from(vmdk)))).rejects.toMatchObject({ code, message });
  });

  test.each<[string, change: (text: string) => string, RegExp, code?: string]>([
    ['nothing', () => '', /no descriptor/, 'IMAGE_UNSUPPORTED'],
    ['something else', () => 'KDMV', /does not begin/],
    [
      'another type',
      (t) => t.replace('streamOptimized', 'monolithicFlat'),
      /"monolithicFlat"/,
      'IMAGE_UNSUPPORTED',
    ],
    [
      'a type of control characters',
      (t) => t.replace('streamO', '\x1b[31m'),
      /"\?\[31mptimized"/,
      'IMAGE_UNSUPPORTED',
    ],
    ['no type', (t) => t.replace(/^createType.*$/m, ''), /missing/, 'IMAGE_UNSUPPORTED'],
    ['the other type', (t) => t.replace('streamOptimized', 'monolithicSparse'), /contradict/],
    ['two types', (t) => t.replace('CID=', 'CreateType="monolithicFlat"\nCID='), /"createtype" twice/],
    [
      'a parent',
      (t) => t.replace('parentCID=ffffffff', 'parentCID=12345678'),
      /a parent/,
      'IMAGE_UNSUPPORTED',
    ],
    [
      'the file of a parent',
      (t) => `${t}parentFileNameHint="/etc/passwd"\n`,
      /a parent/,
      'IMAGE_UNSUPPORTED',
    ],
    ['another spelling of that', (t) => `${t}PARENTfilenamehint = "x"\n`, /a parent/, 'IMAGE_UNSUPPORTED'],
    [
      'the file of a parent in a comment',
      (t) => `${t}#parentFileNameHint="x"\n`,
      /a parent/,
      'IMAGE_UNSUPPORTED',
    ],
    [
      'a type with something behind it',
      (t) => t.replace('Optimized"', 'Optimized"x'),
      /the type/,
      'IMAGE_UNSUPPORTED',
    ],
    ['nothing about a parent', (t) => t.replace(/^parentCID.*$/m, ''), /whether it has a parent/],
    ['no extent', (t) => t.replace(/^RDONLY.*$/m, ''), /no extent/],
    ['two extents', (t) => t.replace(/^RDONLY.*$/m, '$&\n$&'), /2 extents/, 'IMAGE_UNSUPPORTED'],
    ['an extent in lower case', (t) => t.replace('RDONLY', 'rdonly'), /cannot be read/],
    ['a flat extent', (t) => t.replace('SPARSE', 'FLAT'), /"FLAT"/, 'IMAGE_UNSUPPORTED'],
    [
      'an extent without access',
      (t) => t.replace('RDONLY', 'NOACCESS'),
      /without access/,
      'IMAGE_UNSUPPORTED',
    ],
    [
      'another folder',
      (t) => t.replace('generated', '/etc/generated'),
      /another folder/,
      'IMAGE_UNSUPPORTED',
    ],
    [
      'another folder of Windows',
      (t) => t.replace('generated', '..\\generated'),
      /another folder/,
      'IMAGE_UNSUPPORTED',
    ],
    ['an extent that begins later', (t) => t.replace('stream.vmdk"', 'stream.vmdk" 128'), /cannot be read/],
    ['an extent of 10^20 sectors', (t) => t.replace(/5867/, '1'.padEnd(21, '0')), /cannot be read/],
    ['an extent of no sectors', (t) => t.replace(/5867/, '0'), /its extent has 0/],
    ['an extent that is too large', (t) => t.replace(/5867/, '5868'), /its extent has/],
    ['an extent that is too small', (t) => t.replace(/5867/, '5739'), /its extent has/],
  ])('in the descriptor: %s', async (_, change, message, code = 'IMAGE_CORRUPT') => {
    await expect(open(withDescriptor(vmdk, change))).rejects.toMatchObject({ code, message });
  });

  /** Of the first grain, its table, and the directory. */
  const placesIn = (bytes: Buffer): { grain: number; table: number; directory: number } => {
    const at = (what: string) => markersOf(bytes).find((marker) => marker.what === what)!.at;
    return { grain: at('grain'), table: at('grain table') + 512, directory: at('grain directory') + 512 };
  };
  type Places = ReturnType<typeof placesIn>;

  test.each<[string, evil: (bytes: Buffer, places: Places) => unknown, RegExp]>([
    ['a grain outside', (b, { table }) => b.writeUInt32LE(0xfffffff0, table), /is outside/],
    [
      'a grain at the very end',
      (b, { table }) => b.writeUInt32LE(b.length / 512 - 1, table),
      /0 compressed bytes/,
    ],
    [
      'a marked zero where there are none',
      (b, { table }) => b.writeUInt32LE(1, table),
      /is not that of grain 0/,
    ],
    [
      'a grain of another place',
      (b, { table }) => b.copyWithin(table, table + 4, table + 8),
      /is not that of grain 0/,
    ],
    ['a marker far away', (b, { grain }) => b.writeBigUInt64LE(1n << 63n, grain), /is not that of grain 0/],
    ['no bytes', (b, { grain }) => b.writeUInt32LE(0, grain + 8), /has 0 compressed/],
    ['too many bytes', (b, { grain }) => b.writeUInt32LE(0xffffffff, grain + 8), /has 4294967295 compressed/],
    ['bytes of another kind', (b, { grain }) => b.fill(0xff, grain + 12, grain + 100), /cannot be expanded/],
    [
      'a wrong checksum',
      (b, { grain }) => b.writeUInt32LE(0, grain + 12 + b.readUInt32LE(grain + 8) - 4),
      /cannot be expanded/,
    ],
    [
      'bytes that break off',
      (b, { grain }) => b.writeUInt32LE(b.readUInt32LE(grain + 8) - 9, grain + 8),
      /cannot be expanded/,
    ],
    ['a bomb', (b, { grain }) => plantGrain(b, grain, Buffer.alloc(60 * MIB)), /cannot be expanded/],
    [
      'a byte too many',
      (b, { grain }) => plantGrain(b, grain, Buffer.alloc(GRAIN + 1)),
      /cannot be expanded/,
    ],
    ['a byte too few', (b, { grain }) => plantGrain(b, grain, Buffer.alloc(GRAIN - 1)), /only 65535 bytes/],
  ])('in tables and grains: %s', async (_, evil, message) => {
    const bytes = Buffer.from(vmdk);
    evil(bytes, placesIn(bytes));
    const disk = await open(bytes);
    for (const length of [1, 2 * GRAIN])
      await expect(disk.read(0, length)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT', message });
    await expect(disk.read(disk.size - 10, 10)).resolves.toBeInstanceOf(Buffer); // beside it all is well
  });

  test('a table outside', async () => {
    const bytes = Buffer.from(vmdk);
    bytes.writeUInt32LE(0xffffffff, placesIn(bytes).directory);
    const message = /table at byte 2199023255040 is outside/;
    await expect((await open(bytes)).read(0, 1)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT', message });
  });

  function plantGrain(bytes: Buffer, at: number, content: Buffer): void {
    const compressed = deflateSync(content);
    bytes.writeUInt32LE(compressed.length, at + 8);
    compressed.copy(bytes, at + 12);
  }

  test('a limit of the capacity', async () => {
    const maxCapacity = raw.length - 1;
    await expect(openVmdk(new MemorySource(vmdk), { maxCapacity })).rejects.toMatchObject({ code: 'IMAGE_UNSUPPORTED' }); // prettier-ignore
    await openVmdk(new MemorySource(vmdk), { maxCapacity: raw.length });
  });

  test('grains that end outside a file without compression', async () => {
    const bytes = readFileSync(byQemu(scratch(), raw, 'monolithicSparse'));
    const cut = await open(bytes.subarray(0, bytes.length - GRAIN));
    await expect(cut.read(0, cut.size)).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
    // The last grain of the disk need not be whole.
    const whole = await open(bytes.subarray(0, bytes.length - (GRAIN - (raw.length % GRAIN))));
    expect((await whole.read(0, whole.size)).equals(raw)).toBe(true);
  });
});
