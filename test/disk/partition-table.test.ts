import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Partition,
  partitionTableSector,
  partitionTypes,
  readPartitionTable,
} from '../../src/disk/partition-table.js';
import { checkRange, type BlockSource } from '../../src/disk/source.js';
import { temporaryFolder } from '../support/gva.js';
import { requireTool } from '../support/tools.js';

const mebibyte = 2 ** 20;

/** A disk of which only the first bytes are stored; the rest are zeros. */
function disk(first: Uint8Array, size: number): BlockSource {
  return {
    size,
    read: (offset, length) => {
      checkRange(offset, length, size);
      const bytes = Buffer.alloc(length);
      bytes.set(first.subarray(offset, offset + length));
      return Promise.resolve(bytes);
    },
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const table = (partitions: readonly Partition[], bootCode = new Uint8Array()) =>
  partitionTableSector({ partitions, bootCode, diskSignature: 0x12345678 });

const efi: Partition = {
  ...{ type: partitionTypes.efiSystem, bootable: true },
  ...{ offset: mebibyte, size: 12 * mebibyte },
};
const linux: Partition = {
  ...{ type: partitionTypes.linux, bootable: false },
  ...{ offset: 13 * mebibyte, size: 64 * mebibyte },
};

describe('a partition table', () => {
  it('is read by others as it was meant', async () => {
    await using folder = await temporaryFolder();
    const image = join(folder.path, 'disk.img');
    writeFileSync(image, table([efi, linux], Buffer.alloc(440, 0x90)));
    truncateSync(image, 77 * mebibyte);
    const run = (tool: string, ...args: string[]) =>
      execFileSync(requireTool(tool), args, { encoding: 'utf8', env: { LC_ALL: 'C' } });
    const columns = 'NR,START,SECTORS,TYPE,FLAGS,SCHEME';
    expect(run('partx', '--raw', '--noheadings', '--output', columns, image).split('\n')).toEqual([
      '1 2048 24576 0xef 0x80 dos',
      '2 26624 131072 0x83 0x0 dos',
      '',
    ]);
    // With the addresses of old BIOSes.
    const listed = run('busybox', 'fdisk', '-l', image).split('\n');
    expect(listed.find((line) => line.includes('disk.img1'))).toMatch(
      /disk\.img1 \* +0,32,33 +1,167,38 +2048 +26623 +24576 12\.0M ef EFI/,
    );
    expect(listed.find((line) => line.includes('disk.img2'))).toMatch(
      /disk\.img2 +1,167,39 +9,208,7 +26624 +157695 +131072 64\.0M 83 Linux/,
    );
    expect(run('blkid', '-p', '-o', 'export', image)).toContain('PTUUID=12345678');
  });

  it('has its boot code in front', () => {
    const code = Buffer.from('boot code');
    expect(table([efi], code).subarray(0, code.length)).toEqual(code);
  });

  it('reads back what was written, wherever partitions are', async () => {
    const partitions = fc
      .uniqueArray(fc.integer({ min: 1, max: 0xfffffffd }), { minLength: 2, maxLength: 8 })
      .map((bounds) => bounds.sort((a, b) => a - b))
      .map((bounds) => bounds.slice(0, bounds.length - (bounds.length % 2)))
      .map((bounds) =>
        bounds.flatMap((first, index) =>
          index % 2 === 1
            ? []
            : [
                {
                  ...{ type: 0x83, bootable: index === 0 },
                  ...{ offset: first * 512, size: ((bounds[index + 1] ?? 0) - first) * 512 },
                },
              ],
        ),
      );
    await fc.assert(
      fc.asyncProperty(partitions, async (expected) => {
        expect(await readPartitionTable(disk(table(expected), 2 ** 32 * 512))).toEqual(expected);
      }),
    );
  });

  it.each([
    ['five partitions', [efi, efi, efi, efi, efi]],
    ['a partition in the first sector', [{ ...efi, offset: 0 }]],
    ['half a sector', [{ ...efi, size: 256 }]],
    ['what 32 bits cannot count', [{ ...efi, size: 2 ** 32 * 512 }]],
  ])('cannot have %s', (_what, partitions) => {
    expect(() => table(partitions)).toThrow(RangeError);
  });
});

describe('of a disk that anybody wrote', () => {
  const size = 77 * mebibyte;
  const broken = async (change: (sector: Buffer) => void, diskSize = size) => {
    const sector = table([efi, linux]);
    change(sector);
    return readPartitionTable(disk(sector, diskSize));
  };

  it('no table is none', async () => {
    expect(await readPartitionTable(disk(Buffer.alloc(512), size))).toEqual([]);
    expect(await readPartitionTable(disk(Buffer.alloc(0), 100))).toEqual([]);
  });

  it('the boot sector of a file system is none', async () => {
    expect(await broken((sector) => sector.fill('text of a boot code', 446, 510))).toEqual([]);
  });

  it('the table of a GPT shows its one protective partition, however long that says to be', async () => {
    const gpt = table([{ type: 0xee, bootable: false, offset: 512, size: 0xfffffffe * 512 }]);
    expect(await readPartitionTable(disk(gpt, size))).toEqual([
      { type: 0xee, bootable: false, offset: 512, size: 0xfffffffe * 512 },
    ]);
  });

  it.each<[string, (sector: Buffer) => void, number?]>([
    ['overlap', (sector) => sector.writeUInt32LE(26623, 446 + 16 + 8)],
    ['begin in the table', (sector) => sector.writeUInt32LE(0, 446 + 8)],
    ['end behind the disk', () => undefined, size - 512],
    ['end behind everything', (sector) => sector.writeUInt32LE(0xffffffff, 446 + 16 + 12)],
  ])('partitions that %s are refused', async (_what, change, diskSize) => {
    await expect(broken(change, diskSize)).rejects.toMatchObject({ code: 'PARTITION_TABLE' });
  });

  it('any first sector is answered or refused', async () => {
    const sectors = fc.uint8Array({ minLength: 512, maxLength: 512 }).map((bytes) => {
      bytes.set([0x55, 0xaa], 510);
      for (const entry of [0, 1, 2, 3]) bytes[446 + entry * 16] = (bytes[446 + entry * 16] ?? 0) & 0x80;
      return bytes;
    });
    await fc.assert(
      fc.asyncProperty(sectors, fc.nat(2 ** 40), async (sector, bytes) => {
        const partitions = await readPartitionTable(disk(sector, bytes)).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'PARTITION_TABLE' });
          return [];
        });
        for (const { type, offset, size: length } of partitions)
          if (type !== 0xee) expect(offset + length).toBeLessThanOrEqual(bytes);
      }),
    );
  });
});
