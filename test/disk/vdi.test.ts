import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openImage } from '../../src/disk/image.js';
import { GvaError } from '../../src/system/errors.js';
import { openVdi } from '../../src/disk/vdi/reader.js';
import { MemorySource, run, scratch } from './ext4-fixture.js';

/** Three blocks of 1 MiB and a piece of a fourth; the second is all zeros. */
function diskBytes(): Buffer {
  const bytes = Buffer.alloc(3 * (1 << 20) + 1024);
  for (let at = 0; at < bytes.length; at++)
    if (at < 1 << 20 || at >= 2 << 20) bytes[at] = (at * 7) ^ (at >> 9);
  return bytes;
}

function vdi(raw: Buffer, ...options: string[]): Buffer {
  const folder = scratch();
  const [from, to] = [join(folder, 'raw'), join(folder, 'vdi')];
  writeFileSync(from, raw);
  run('qemu-img', ['convert', '-f', 'raw', '-O', 'vdi', ...options, from, to]);
  return readFileSync(to);
}

describe('a VDI image by qemu-img', () => {
  it.each([
    ['dynamic', []],
    ['of fixed size', ['-o', 'static=on']],
  ])('%s', async (_, options) => {
    const raw = diskBytes();
    const file = join(scratch(), 'image');
    writeFileSync(file, vdi(raw, ...options));
    await using disk = await openImage(file);
    expect(disk.size).toBe(raw.length);
    expect((await disk.read(0, disk.size)).equals(raw)).toBe(true);
    for (const [at, length] of [
      [0, 1],
      [(1 << 20) - 3, 6],
      [(2 << 20) - 512, 4096],
      [raw.length - 1, 1],
    ] as const)
      expect((await disk.read(at, length, Buffer.alloc(5000, 1))).equals(raw.subarray(at, at + length))).toBe(
        true,
      );
    await expect(disk.read(raw.length - 1, 2)).rejects.toMatchObject({ code: 'IMAGE_RANGE' });
  });
});

describe('a VDI image that anybody wrote', () => {
  let made: Buffer | undefined;
  const image = () => (made ??= vdi(diskBytes()));
  const opened = async (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(image());
    change(bytes);
    await using disk = await openVdi(new MemorySource(bytes));
    return await disk.read(0, disk.size);
  };

  it.each<[string, string, (bytes: Buffer) => void]>([
    ['no VDI', 'IMAGE_CORRUPT', (bytes) => bytes.writeUInt32LE(0, 64)],
    ['version 2', 'IMAGE_UNSUPPORTED', (bytes) => bytes.writeUInt16LE(2, 70)],
    ['a short header', 'IMAGE_CORRUPT', (bytes) => bytes.writeUInt32LE(64, 72)],
    ['a differencing image', 'IMAGE_UNSUPPORTED', (bytes) => bytes.writeUInt32LE(4, 76)],
    ['a parent', 'IMAGE_UNSUPPORTED', (bytes) => bytes.fill(7, 424, 440)],
    ['extra data in blocks', 'IMAGE_UNSUPPORTED', (bytes) => bytes.writeUInt32LE(512, 380)],
    ['blocks of 0 bytes', 'IMAGE_CORRUPT', (bytes) => bytes.writeUInt32LE(0, 376)],
    ['blocks of 3 bytes', 'IMAGE_CORRUPT', (bytes) => bytes.writeUInt32LE(3, 376)],
    ['a disk of 2^63 bytes', 'IMAGE_CORRUPT', (bytes) => bytes.writeBigUInt64LE(1n << 63n, 368)],
    ['fewer blocks than its disk', 'IMAGE_CORRUPT', (bytes) => bytes.writeUInt32LE(2, 384)],
    [
      'a map outside the file',
      'IMAGE_CORRUPT',
      (bytes) => (bytes.writeUInt32LE(0xfffff000, 340), bytes.writeUInt32LE(0xfffffff0, 344)),
    ],
    ['a map in the header', 'IMAGE_CORRUPT', (bytes) => bytes.writeUInt32LE(0, 340)],
    ['data in the map', 'IMAGE_CORRUPT', (bytes) => bytes.writeUInt32LE(bytes.readUInt32LE(340) + 4, 344)],
    [
      'a block outside the file',
      'IMAGE_CORRUPT',
      (bytes) => bytes.writeUInt32LE(0xfffffff0, bytes.readUInt32LE(340)),
    ],
  ])('%s is refused', async (_, code, change) => {
    await expect(opened(change)).rejects.toMatchObject({ code });
  });

  it('cut off anywhere, is refused or read as zeros', async () => {
    const whole = await opened(() => undefined);
    for (const length of [0, 64, 68, 511, 512, 1024, 5000, image().length - 1]) {
      const cut = new MemorySource(image().subarray(0, length));
      const read = await openVdi(cut)
        .then((disk) => disk.read(0, disk.size))
        .catch((error: unknown) => error);
      if (read instanceof GvaError) expect(read.code).toBe('IMAGE_CORRUPT');
      else expect((read as Buffer).subarray(0, 1 << 20).equals(whole.subarray(0, 1 << 20))).toBe(true);
    }
  });

  it('with any header, gives an error of ours or bytes', async () => {
    const change = fc.tuple(fc.nat(511), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const bytes = Buffer.from(image().subarray(0, 1 << 20));
        for (const [at, value] of changes) bytes[at] = value;
        try {
          await using disk = await openVdi(new MemorySource(bytes));
          await disk.read(0, Math.min(disk.size, 1 << 16));
        } catch (error) {
          if (!(error instanceof GvaError)) throw error;
        }
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});
