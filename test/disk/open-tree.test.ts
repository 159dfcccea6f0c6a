import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fatBytes } from '../../src/disk/fat/index.js';
import { isoBytes } from '../../src/disk/iso9660/index.js';
import { openTree } from '../../src/disk/open-tree.js';
import { GvaError } from '../../src/system/errors.js';
import { imageOf, run, scratch } from './ext4-fixture.js';
import { inventoryOfTree } from './media.js';

const entries = [{ kind: 'file' as const, path: 'file', content: Buffer.from('contents') }];
const iso = (): Buffer => Buffer.from(isoBytes(entries, { volumeId: 'LABEL' }));
const fat = (): Buffer => Buffer.from(fatBytes(entries, { label: 'LABEL' }));
const ext4 = (): Buffer => imageOf({ file: 'contents' }, { mke2fs: ['-L', 'LABEL'] });

function saved(bytes: Uint8Array): string {
  const path = join(scratch(), 'image');
  writeFileSync(path, bytes);
  return path;
}

const refusal = (path: string): Promise<GvaError> =>
  openTree(path).then(
    () => Promise.reject(new Error('it was opened')),
    (error: unknown) => (error instanceof GvaError ? error : Promise.reject(error as Error)),
  );

describe('recognised by content', () => {
  test.each([
    ['iso9660', iso],
    ['fat', fat],
    ['ext4', ext4],
  ])('%s, raw and in qcow2', async (fileSystem, make) => {
    const raw = saved(make());
    const qcow2 = join(scratch(), 'image');
    run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', '-c', raw, qcow2]);
    for (const path of [raw, qcow2]) {
      await using opened = await openTree(path);
      expect(opened).toMatchObject({ fileSystem, tree: { label: 'LABEL' } });
      const { inventory, findings } = await inventoryOfTree(opened.tree, { modes: false });
      expect(inventory).toMatchObject({ file: 'file contents' });
      expect(findings).toEqual([]);
    }
  });

  test('what was made last, where the marks of several are there', async () => {
    const fatOverIso = iso();
    fat().copy(fatOverIso, 0, 0, 32 * 1024); // a floppy's own structures end before the volume descriptors
    const ext4OverIso = imageOf({ file: 'contents' }, { mke2fs: ['-b', '1024'] });
    // There lie bitmaps, for which a reader does not care.
    iso().copy(ext4OverIso, 32 * 1024, 32 * 1024, 38 * 1024);
    const expected: [Buffer, string][] = [
      [fatOverIso, 'fat'],
      [ext4OverIso, 'ext4'],
    ];
    for (const [bytes, fileSystem] of expected) {
      await using opened = await openTree(saved(bytes));
      expect(opened.fileSystem).toBe(fileSystem);
    }
  });

  test('a volume that boots from USB sticks too: its partition table is none of ours', async () => {
    const hybrid = iso();
    partitioned(hybrid);
    await using opened = await openTree(saved(hybrid));
    expect(opened.fileSystem).toBe('iso9660');
  });

  test('a mark that is there by accident hides nothing', async () => {
    const accident = iso();
    accident.writeUInt16LE(0xef53, 1024 + 0x38);
    await using opened = await openTree(saved(accident));
    expect(opened.fileSystem).toBe('iso9660');
  });
});

/** Writes an MBR with one partition. */
function partitioned(bytes: Buffer): void {
  bytes.writeUInt8(0x80, 446);
  bytes.writeUInt8(0x83, 450);
  bytes.writeUInt32LE(2048, 454);
  bytes.writeUInt32LE(4096, 458);
  bytes.writeUInt16LE(0xaa55, 510);
}

describe('not recognised', () => {
  const megabyte = (change: (bytes: Buffer) => void): string => {
    const bytes = Buffer.alloc(1 << 20);
    change(bytes);
    return saved(bytes);
  };

  test.each<[string, (bytes: Buffer) => void, RegExp]>([
    ['blank', () => undefined, /: it is blank/],
    ['a partition table', partitioned, /: it has a partition table \(MBR\)$/],
    ['GPT', (bytes) => bytes.write('EFI PART', 512), /\(GPT\)$/],
    ['GPT with large sectors', (bytes) => bytes.write('EFI PART', 4096), /\(GPT\)$/],
    ['a VMDK descriptor', (bytes) => bytes.write('# Disk DescriptorFile'), /several files$/],
    ['gzip', (bytes) => bytes.write('\x1f\x8b', 'latin1'), /compressed by gzip$/],
    ['an OVA', (bytes) => bytes.write('ustar', 257), /a tar archive or an OVA$/],
    ['NTFS', (bytes) => bytes.write('NTFS    ', 3), /an NTFS file system$/],
    ['something else', (bytes) => bytes.write('something'), /is in [^ ]+$/],
  ])('%s', async (_, change, message) => {
    const error = await refusal(megabyte(change));
    expect(error).toMatchObject({ code: 'IMAGE_CONTENT', exitCode: 2 });
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(/What is read|not read yet|it first|[Cc]onvert/);
  });

  test('an empty file, and one of a few bytes', async () => {
    expect((await refusal(saved(Buffer.alloc(0)))).message).toContain(': it is empty');
    expect(await refusal(saved(Buffer.from('x')))).toMatchObject({ code: 'IMAGE_CONTENT' });
  });

  test('a damaged file system is called by its name', async () => {
    const bytes = ext4();
    bytes.writeUInt32LE(99, 1024 + 0x18);
    expect(await refusal(saved(bytes))).toMatchObject({ code: 'EXT4_CORRUPT' });
  });

  test('an image with a backing file, and a file that is not there', async () => {
    const path = join(scratch(), 'overlay');
    const base = saved(iso());
    run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', path]);
    expect(await refusal(path)).toMatchObject({ code: 'IMAGE_UNSUPPORTED' });
    expect(await refusal(join(scratch(), 'nothing'))).toMatchObject({ code: 'IMAGE_OPEN' });
    expect(readFileSync(base).equals(iso())).toBe(true);
  });
});
