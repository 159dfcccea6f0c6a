import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openExt4, type Ext4 } from '../../src/disk/ext4/index.js';
import { openRaw } from '../../src/disk/source.js';
import {
  contentsOf,
  imageOf,
  makeImage,
  MemorySource,
  plant,
  run,
  scratch,
  type Plant,
  withoutZeros,
} from './ext4-fixture.js';

const open = (image: Buffer) => openExt4(new MemorySource(image));

/** All that a file system has, by path. */
async function contents(fs: Ext4): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { path, node } of fs.list()) {
    const name = path.toString('latin1');
    if (name === 'lost+found') continue;
    const mode = node.permissions.toString(8);
    if (node.kind === 'file') {
      const data = withoutZeros(await fs.readFileBytes(path, 1 << 26));
      found.set(name, `file ${mode} ${node.size} ${data}`);
    } else {
      const target = node.kind === 'symlink' ? (await fs.readLink(node)).toString('latin1') : '';
      found.set(name, target ? `link to ${target}` : `${node.kind} ${mode}`);
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const long = 'l'.repeat(200);
const plants: Record<string, Plant> = {
  empty: '',
  'inline 60': 'x'.repeat(60),
  'inline 100': 'y'.repeat(100),
  'some text': 'line\n'.repeat(3000),
  'deep/er/and/deeper': { file: 'bottom', mode: 0o400 },
  'directory without anything': { directory: true, mode: 0o1777 },
  'short link': { symlink: 'deep/er' },
  'long link': { symlink: `${long}/${long}` },
  'äöü \n"odd\\ names': 'odd',
  [`${long}${'m'.repeat(55)}`]: 'longest name',
  twin: 'two names',
  'deep/twin': { hardLink: 'twin' },
  'many holes': { holes: Array.from({ length: 40 }, (_, n) => [n * 32_768, `piece ${n}`]), size: 1_400_000 },
  'hole at the end': { holes: [[0, 'start']], size: 300_000 },
  'only a hole': { holes: [], size: 500_000 },
  ...Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`many/file number ${n}`, `content ${n}`])),
};

describe('formats', () => {
  const formats: [name: string, mke2fs: string[], size?: number][] = [
    ['ext2, 1 KiB', ['-t', 'ext2', '-b', '1024', '-I', '128']],
    ['ext2, 4 KiB, revision 0', ['-t', 'ext2', '-b', '4096', '-r', '0', '-O', 'none']],
    ['ext3', ['-t', 'ext3', '-b', '2048']],
    ['ext4', ['-b', '4096']],
    ['without checksums', ['-b', '1024', '-O', '^metadata_csum,^64bit,^has_journal']],
    ['with CRC-16 of groups', ['-b', '1024', '-O', '^metadata_csum,uninit_bg']],
    ['with 64 bit CRC-16', ['-b', '1024', '-O', '^metadata_csum,uninit_bg,64bit']],
    [
      'as output disks are',
      ['-b', '4096', '-O', 'none,extent,filetype,uninit_bg', '-E', 'lazy_itable_init=1'],
    ],
    ['checksum seed', ['-O', 'metadata_csum_seed']],
    ['meta block groups', ['-b', '1024', '-O', 'meta_bg,^resize_inode', '-g', '1024'], 12_288],
    ['sparse superblocks 2', ['-b', '1024', '-O', 'sparse_super2', '-g', '1024'], 12_288],
    [
      'no sparse superblocks',
      ['-b', '1024', '-O', '^sparse_super,meta_bg,^resize_inode', '-g', '1024'],
      12_288,
    ],
    ['no flexible groups', ['-b', '1024', '-O', '^flex_bg', '-g', '1024'], 12_288],
    ['clusters', ['-b', '1024', '-O', 'bigalloc'], 32_768],
    ['blocks of 64 KiB', ['-b', '65536', '-O', '^has_journal'], 131_072],
    ['large directories', ['-O', 'large_dir']],
    ['other features', ['-O', 'casefold,encrypt,verity,mmp,project,quota,stable_inodes']],
  ];

  let planted = '';
  let expected = new Map<string, string>();
  beforeAll(() => {
    planted = mkdtempSync(join(tmpdir(), 'gva-disk-'));
    plant(planted, plants);
    expected = contentsOf(planted);
  });
  afterAll(() => rmSync(planted, { recursive: true, force: true }));

  test.each(formats)('%s', async (_, mke2fs, size = 8192) => {
    await using source = await openRaw(makeImage(planted, join(scratch(), 'image'), { mke2fs, size }));
    const fs = await openExt4(source);
    expect(await contents(fs)).toEqual(expected);
    expect(fs.findings).toEqual([]);
  });

  test('inline data', async () => {
    // mke2fs 1.47.0 gets the sizes of files with holes wrong here.
    const full = Object.entries(plants).filter(([, what]) => typeof what === 'string' || !('holes' in what));
    const folder = scratch();
    plant(join(folder, 'tree'), Object.fromEntries(full));
    const options = { mke2fs: ['-O', 'inline_data'], size: 8192 };
    const fs = await open(readFileSync(makeImage(join(folder, 'tree'), join(folder, 'image'), options)));
    expect(await contents(fs)).toEqual(contentsOf(join(folder, 'tree')));
    expect(fs.findings).toEqual([]);
  });

  test('hashed directories are read linearly', async () => {
    const folder = scratch();
    const names = Array.from({ length: 1800 }, (_, n) => `${n} ${'n'.repeat(60)}`);
    plant(join(folder, 'tree'), Object.fromEntries(names.map((name) => [`d/${name}`, ''])));
    const options = { mke2fs: ['-b', '1024', '-N', '4000'], size: 16_384 };
    const path = makeImage(join(folder, 'tree'), join(folder, 'image'), options);
    try {
      run('e2fsck', ['-fyD', path]);
    } catch (error) {
      expect(error).toMatchObject({ status: 1 }); // it changed something
    }
    expect(run('debugfs', ['-R', 'htree_dump d', path])).toContain('Indirect levels: 1');
    await using source = await openRaw(path);
    const fs = await openExt4(source);
    const found: string[] = [];
    for await (const entries of fs.readDirectory(await fs.lookup('d'))) {
      found.push(...entries.map(({ name }) => name.toString()));
    }
    expect(found.toSorted()).toEqual(names.toSorted());
    expect(fs.findings).toEqual([]);
  });
});

describe('facts', () => {
  test('of the superblock', async () => {
    const folder = scratch();
    plant(join(folder, 'tree'), { file: 'x' });
    const path = makeImage(join(folder, 'tree'), join(folder, 'image'), {
      mke2fs: ['-L', 'GVA-OUT', '-b', '4096'],
    });
    await using source = await openRaw(path);
    const fs = await openExt4(source);
    const stats = run('debugfs', ['-R', 'show_super_stats -h', path]);
    expect(stats).toMatch(new RegExp(`Free blocks: +${fs.freeBlocks}\\n`));
    expect(fs).toMatchObject({
      label: 'GVA-OUT',
      uuid: '6a2c5bd2-7b0c-4b8e-9a53-5f1e6d1c0001',
      blockSize: 4096,
    });
    expect(fs.size).toBe(4096 * 1024);
  });

  test('of an inode', async () => {
    const fs = await open(imageOf({ old: { file: 'x', mode: 0o640, mtime: -86_400 } }));
    const expected = { kind: 'file', permissions: 0o640, size: 1, links: 1, mtime: -86_400 };
    expect(await fs.lookup('/old')).toMatchObject(expected);
  });

  test('times beyond 2038 with nanoseconds, as Linux writes them', async () => {
    const folder = scratch();
    plant(join(folder, 'tree'), { file: 'x' });
    const path = makeImage(join(folder, 'tree'), join(folder, 'image'));
    const half = 500_000_000 * 4 + 1;
    run('debugfs', ['-w', '-f', '-', path], `sif file mtime @1000\nsif file mtime_extra ${half}\n`);
    const fs = await open(readFileSync(path));
    expect((await fs.lookup('file')).mtime).toBeCloseTo(1000.5 + 2 ** 32, 6);
  });

  test('errors of lookup and reading', async () => {
    const fs = await open(imageOf({ 'd/file': 'contents', link: { symlink: 'd' } }));
    expect((await fs.readFileBytes('d/file', 8)).toString()).toBe('contents');
    await expect(fs.readFileBytes('d/file', 7)).rejects.toMatchObject({ code: 'EXT4_TOO_LARGE' });
    await expect(fs.readFileBytes('d', 7)).rejects.toMatchObject({ code: 'EXT4_TOO_LARGE' });
    await expect(fs.readFileBytes('d', 4096)).rejects.toMatchObject({ code: 'EXT4_KIND' });
    await expect(fs.lookup('d/nothing')).rejects.toMatchObject({ code: 'EXT4_NOT_FOUND' });
    await expect(fs.lookup('link/file')).rejects.toMatchObject({ code: 'EXT4_NOT_FOUND' });
    await expect(fs.lookup('d/file/')).resolves.toMatchObject({ kind: 'file' });
  });

  test('unwritten extents read as zeros', async () => {
    const folder = scratch();
    plant(join(folder, 'tree'), { file: 'x'.repeat(5000) });
    const path = makeImage(join(folder, 'tree'), join(folder, 'image'), { mke2fs: ['-b', '1024'] });
    run('debugfs', ['-w', '-f', '-', path], 'fallocate file 3 20\nset_inode_field file size 20000\n');
    const fs = await open(readFileSync(path));
    const bytes = await fs.readFileBytes('file', 1 << 20);
    expect(bytes.toString('latin1')).toBe('x'.repeat(5000) + '\0'.repeat(15_000));
    const pieces: number[] = [];
    for await (const piece of fs.readFile(await fs.lookup('file'))) if (piece) pieces.push(piece.offset);
    expect(pieces).toEqual([0]);
  });
});

describe('what is read as it stands', () => {
  test('a journal that was not replayed', async () => {
    const folder = scratch();
    plant(join(folder, 'tree'), { file: 'x' });
    const path = makeImage(join(folder, 'tree'), join(folder, 'image'), {
      mke2fs: ['-O', 'has_journal'],
      size: 16_384,
    });
    run('debugfs', ['-w', '-R', 'feature needs_recovery', path]);
    const fs = await open(readFileSync(path));
    expect(fs.findings).toMatchObject([{ code: 'EXT4_UNCLEAN' }]);
    expect((await fs.readFileBytes('file', 9)).toString()).toBe('x');
  });

  test('a file system that was not unmounted, or has known errors', async () => {
    const image = imageOf({ file: 'x' }, { mke2fs: ['-O', '^metadata_csum'] });
    image.writeUInt16LE(2, 1024 + 0x3a);
    expect((await open(image)).findings).toMatchObject([{ code: 'EXT4_UNCLEAN' }, { code: 'EXT4_ERRORS' }]);
  });

  test('an image that is cut off', async () => {
    const image = imageOf({ file: 'x' }, { mke2fs: ['-b', '1024'] });
    const fs = await open(image.subarray(0, image.length / 2));
    expect(fs.findings).toMatchObject([{ code: 'EXT4_TRUNCATED' }]);
    expect((await fs.readFileBytes('file', 9)).toString()).toBe('x');
  });

  test('wrong checksums of superblock, group, inode, directory and extent tree', async () => {
    const holes: [number, string][] = Array.from({ length: 30 }, (_, n) => [n * 4096, 'x']);
    const image = imageOf({ file: { holes, size: 200_000 } }, { mke2fs: ['-b', '1024', '-O', '^64bit'] });
    const good = await open(image);
    const inode = await good.lookup('file');
    const tree = inode.map.readUInt32LE(16) * 1024;
    const directory = good.root.map.readUInt32LE(20) * 1024;
    const table = image.readUInt32LE(2048 + 8) * 1024;
    const inodeAt = table + (inode.id - 1) * 256;
    for (const at of [1024 + 0x40, 2048 + 0x0c, inodeAt + 0x08, directory + 1000, tree + 8])
      image[at]! ^= 0x55;
    const fs = await open(image);
    expect((await fs.readFileBytes('file', 200_000)).toString('latin1').replaceAll('\0', '')).toBe(
      'x'.repeat(30),
    );
    const messages = fs.findings.map(({ code, message }) => `${code} ${message}`);
    expect(messages).toEqual(
      [
        'EXT4_CHECKSUM the checksum of the superblock is wrong',
        'EXT4_CHECKSUM the checksum of group descriptor 0 is wrong',
        expect.stringContaining('block 0 of the directory is wrong'),
        expect.stringContaining(`the checksum of inode ${inode.id} is wrong`),
        expect.stringContaining(`the checksum of the extent tree's block ${tree / 1024} is wrong`),
      ].map((message) => message as string),
    );
  });
});

describe('what cannot be read', () => {
  const image = () => imageOf({ file: 'x' }, { mke2fs: ['-O', '^metadata_csum'] });
  const patched = (patch: (superblock: Buffer) => void) => {
    const bytes = image();
    patch(bytes.subarray(1024, 2048));
    return bytes;
  };

  test('other bytes', async () => {
    await expect(open(Buffer.alloc(100))).rejects.toMatchObject({ code: 'EXT4_NONE' });
    await expect(open(Buffer.alloc(1 << 16))).rejects.toMatchObject({ code: 'EXT4_NONE' });
  });

  test('unknown and unsupported features, by name', async () => {
    const bytes = patched((s) => s.writeUInt32LE((s.readUInt32LE(0x60) | 0x80001408) >>> 0, 0x60));
    await expect(open(bytes)).rejects.toMatchObject({
      code: 'EXT4_UNSUPPORTED',
      message: expect.stringMatching(
        /journalDevice \(0x8\), eaInode \(0x400\), dirdata \(0x1000\), 0x80000000/,
      ) as string,
    });
  });

  test.each<[string, (superblock: Buffer) => void]>([
    ['block size', (s) => s.writeUInt32LE(7, 0x18)],
    ['block size beyond 32 bits', (s) => s.writeUInt32LE(0xffffffff, 0x18)],
    ['inode size', (s) => s.writeUInt16LE(0, 0x58)],
    ['inode size that is no power of two', (s) => s.writeUInt16LE(200, 0x58)],
    ['inodes per group', (s) => s.writeUInt32LE(0, 0x28)],
    ['blocks per group', (s) => s.writeUInt32LE(0xffffffff, 0x20)],
    ['descriptor size', (s) => s.writeUInt16LE(32, 0xfe)],
    ['first data block', (s) => s.writeUInt32LE(2, 0x14)],
    ['blocks', (s) => s.writeUInt32LE(0xffffffff, 0x150)],
    ['no inodes', (s) => s.writeUInt32LE(0, 0)],
  ])('impossible %s', async (_, patch) => {
    await expect(open(patched(patch))).rejects.toMatchObject({ code: 'EXT4_CORRUPT' });
  });

  test('a root that is no directory', async () => {
    const bytes = image();
    const table = bytes.readUInt32LE(2048 + 8) * 1024;
    bytes.writeUInt16LE(0o100644, table + 256);
    await expect(open(bytes)).rejects.toMatchObject({ code: 'EXT4_CORRUPT' });
    bytes.writeUInt32LE(0xfffffff0, 2048 + 8);
    await expect(open(bytes)).rejects.toMatchObject({ code: 'EXT4_BLOCK_RANGE' });
  });
});

test('any block can be broken without any other file being lost', async () => {
  const image = imageOf(plants, { mke2fs: ['-b', '1024', '-O', '^has_journal'], size: 8192 });
  const names = Object.keys(plants).filter((name) => typeof plants[name] === 'string');
  const source = new MemorySource(image);
  const inode = await (await openExt4(source)).lookup('some text');
  const block = inode.map.readUInt32LE(20);
  source.broken.push({ from: (block + 3) * 1024, to: (block + 4) * 1024 });
  const fs = await openExt4(source);
  for (const name of names) {
    const bytes = await fs.readFileBytes(name, 1 << 20);
    const expected = Buffer.from(plants[name] as string);
    if (name === 'some text') expected.fill(0, 3 * 1024, 4 * 1024);
    expect(bytes).toEqual(expected);
  }
  expect(fs.findings).toMatchObject([
    { code: 'IMAGE_READ', message: expect.stringContaining('1024 bytes') as string },
  ]);
});

describe('properties', () => {
  const name = fc
    .string({ minLength: 1, maxLength: 30, unit: 'grapheme' })
    .map((text) => text.replace(/[/\0]/g, '_'))
    .filter((text) => text !== '.' && text !== '..' && Buffer.byteLength(text) < 200 && text.isWellFormed());
  const file = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.nat(20_000).map((size) => 'z'.repeat(size)),
    fc.record({
      holes: fc.array(fc.tuple(fc.nat(400_000), fc.constant('data')), { maxLength: 8 }),
      size: fc.nat(400_000),
    }),
    fc.record({ file: fc.constant('#!'), mode: fc.nat(0o777).map((mode) => mode | 0o400) }),
    fc.record({
      symlink: fc.string({ minLength: 1, maxLength: 100, unit: fc.constantFrom('a', '/', '.', 'é') }),
    }),
  );
  const tree: fc.Arbitrary<Record<string, Plant>> = fc
    .dictionary(
      fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/')),
      file,
      { maxKeys: 12 },
    )
    .map((all) => {
      const paths = Object.keys(all);
      const clashes = (path: string) => paths.some((other) => other.startsWith(`${path}/`));
      return Object.fromEntries(Object.entries(all).filter(([path]) => !clashes(path)));
    });
  const mke2fs = fc.constantFrom(
    ['-t', 'ext2', '-b', '1024'],
    ['-b', '1024'],
    ['-b', '4096', '-O', '^metadata_csum,^64bit'],
  );

  test('a tree through mke2fs comes back as it was, and e2fsck agrees', { timeout: 30_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(tree, mke2fs, async (plants, options) => {
        const folder = scratch();
        plant(join(folder, 'tree'), plants);
        const path = makeImage(join(folder, 'tree'), join(folder, 'image'), { mke2fs: options });
        run('e2fsck', ['-fn', path]);
        const fs = await open(readFileSync(path));
        expect(await contents(fs)).toEqual(contentsOf(join(folder, 'tree')));
        expect(fs.findings).toEqual([]);
      }),
      { seed: 20080415, numRuns: 40 },
    );
  });
});
