import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BLOCK, evilImage, extractedEvil, good, type EvilImage } from './evil-ext4.js';
import type { Plant } from './ext4-fixture.js';
import { extractedImage } from './extract-fixture.js';

describe('entries', () => {
  test.each([
    ['a slash', '../evil', '.._evil~1', '..\\x2fevil'],
    ['an absolute path', '/etc/x', '_etc_x~1', '\\x2fetc\\x2fx'],
    ['NUL', 'a\0b', 'a_b~1', 'a\\x00b'],
    ['one dot', '.', '.~1', '.'],
    ['two dots', '..', '..~1', '..'],
    ['nothing', '', '~1', ''],
  ])('a name of %s', async (_, name, saved, path) => {
    const evil = (image: EvilImage) => image.rename('', 'zzzzzzzz', name);
    const { rest, findings } = await extractedEvil({ zzzzzzzz: 'contents' }, evil);
    expect(rest).toEqual({ [saved]: 'file 644 8 contents' });
    expect(findings).toEqual([`NAME_UNSAFE ${path}`.trim()]);
  });

  test('a directory named as a way out', async () => {
    const { rest, findings } = await extractedEvil({ 'zzzzz/in': 'x' }, (image) =>
      image.rename('', 'zzzzz', '../..'),
    );
    expect(rest).toEqual({ '.._..~1': 'directory 755', '.._..~1/in': 'file 644 1 x' });
    expect(findings).toEqual(['NAME_UNSAFE ..\\x2f..']);
  });

  test('no UTF-8', async () => {
    const { rest, findings } = await extractedEvil({ zzzz: 'x' }, (image) =>
      image.rename('', 'zzzz', '\xff\xfe'),
    );
    expect(rest).toEqual({ '\xff\xfe': 'file 644 1 x' });
    expect(findings).toEqual(['NAME_ENCODING \\xff\\xfe']);
  });

  test('a link and a file of one name: nothing goes through the link', async () => {
    const plants: Record<string, Plant> = { aaaa: { symlink: '/etc/passwd' }, bbbb: 'written' };
    const { rest, findings } = await extractedEvil(plants, (image) => image.rename('', 'bbbb', 'aaaa'));
    expect(rest).toEqual({ aaaa: 'file 644 7 written' });
    expect(findings).toEqual(['SYMLINK_ESCAPE aaaa']);
  });

  test('two files of one name', async () => {
    const { rest, findings } = await extractedEvil({ aaaa: 'one', bbbb: 'two' }, (image) =>
      image.rename('', 'bbbb', 'aaaa'),
    );
    expect(rest).toEqual({ aaaa: 'file 644 3 one', 'aaaa~1': 'file 644 3 two' });
    expect(findings).toEqual(['NAME_DUPLICATE aaaa']);
  });

  test.each([
    ['the inode kept for resizing', () => 7],
    ['no inode at all', () => 0xffffffff],
    ['an unused inode', (image: EvilImage) => image.number('zzzz') + 7],
  ])('one that leads to %s', async (_, target) => {
    const { rest, findings } = await extractedEvil({ zzzz: 'x' }, (image) =>
      image.redirect('', 'zzzz', target(image)),
    );
    expect(rest).toEqual({});
    expect(findings).toEqual(['EXT4_INODE zzzz']);
  });

  test.each<[string, (image: EvilImage) => number]>([
    ['the root', () => 2],
    ['the directory itself', (image) => image.number('d')],
    ['a directory above', (image) => image.number('d/sub')],
  ])('a directory that leads to %s', async (_, target) => {
    const { rest, findings } = await extractedEvil({ 'd/file': 'x', 'd/sub/loop/in': 'y' }, (image) =>
      image.redirect('d/sub', 'loop', target(image)),
    );
    expect(rest).toEqual({ d: 'directory 755', 'd/file': 'file 644 1 x', 'd/sub': 'directory 755' });
    expect(findings).toEqual(['DIRECTORY_LOOP d/sub/loop']);
  });

  test('a directory with two parents is extracted once, at the place that comes first', async () => {
    const { rest, findings } = await extractedEvil({ 'a/sub/in': 'a', 'a/twin/in': 'b' }, (image) =>
      image.redirect('a', 'twin', image.number('a/sub')),
    );
    expect(Object.values(rest)).toEqual(['directory 755', 'directory 755', 'file 644 1 a']);
    expect(findings).toEqual([expect.stringMatching(/^DIRECTORY_LOOP a\/(sub|twin)$/)]);
  });

  test.each([0, 3, 4, 6, 0xffff])(
    'a length of %i: the rest of the block is lost, other blocks are not',
    async (length) => {
      const names = Array.from({ length: 12 }, (_, n) => `d/${n}${'n'.repeat(200)}`);
      let lost = 0;
      const { rest, findings } = await extractedEvil(
        Object.fromEntries(names.map((name) => [name, 'x'])),
        (image) => {
          const inBlock = image.entries('d');
          lost = inBlock.length - 3;
          image.entry('d', inBlock[3]!).writeUInt16LE(length, 4);
        },
      );
      expect(lost).toBeGreaterThan(0);
      expect(Object.keys(rest).length).toBe(1 + 12 - lost);
      expect(findings).toEqual(['EXT4_DIRECTORY d']);
    },
  );

  test('dot entries that lie', async () => {
    const { rest, findings } = await extractedEvil({ 'd/file': 'x' }, (image) => {
      image.redirect('d', '.', 2);
      image.redirect('d', '..', 0xffffffff);
    });
    expect(rest).toEqual({ d: 'directory 755', 'd/file': 'file 644 1 x' });
    expect(findings).toEqual(['EXT4_DIRECTORY d']);
  });
});

describe('inodes', () => {
  test.each([
    ['a device', 0o060666, 'SPECIAL_FILE'],
    ['a character device', 0o020666, 'SPECIAL_FILE'],
    ['a FIFO', 0o010666, 'SPECIAL_FILE'],
    ['a socket', 0o140666, 'SPECIAL_FILE'],
    ['nothing known', 0o170666, 'EXT4_INODE'],
  ])('of %s', async (_, mode, code) => {
    const { rest, findings } = await extractedEvil({ zzzz: 'x' }, (image) =>
      image.inode('zzzz').writeUInt16LE(mode),
    );
    expect(rest).toEqual({});
    expect(findings).toEqual([`${code} zzzz`]);
  });

  test('with set-uid, set-gid and sticky bits', async () => {
    const plants: Record<string, Plant> = { zzzz: 'x', d: { directory: true, mode: 0o1777 } };
    const { rest, findings } = await extractedEvil(plants, (image) =>
      image.inode('zzzz').writeUInt16LE(0o106755),
    );
    expect(rest).toEqual({ zzzz: 'file 755 1 x', d: 'directory 777' });
    expect(findings.toSorted()).toEqual(['MODE_STRIPPED d', 'MODE_STRIPPED zzzz']);
  });

  test('that are encrypted, or hold an attribute', async () => {
    const { rest, findings } = await extractedEvil({ aaaa: 'x', bbbb: 'x' }, (image) => {
      image.setFlags('aaaa', 0x800);
      image.setFlags('bbbb', 0x200000);
    });
    expect(rest).toEqual({});
    expect(findings).toEqual(['EXT4_ENCRYPTED aaaa', 'EXT4_INODE bbbb']);
  });

  test('that are marked as deleted', async () => {
    const { rest, findings } = await extractedEvil({ zzzz: 'x' }, (image) =>
      image.inode('zzzz').writeUInt16LE(0, 0x1a),
    );
    expect(rest).toEqual({ zzzz: 'file 644 1 x' });
    expect(findings).toEqual(['EXT4_DELETED zzzz']);
  });

  test('with more names than they claim', async () => {
    const { rest, findings, target } = await extractedEvil({ aaaa: 'one', bbbb: 'two' }, (image) =>
      image.redirect('', 'bbbb', image.number('aaaa')),
    );
    expect(rest).toEqual({ aaaa: 'file 644 3 one', bbbb: 'file 644 3 one' });
    expect(findings).toEqual(['HARD_LINK bbbb']);
    expect(statSync(join(target, 'aaaa')).ino).not.toBe(statSync(join(target, 'bbbb')).ino);
  });

  test('outside the image, with their whole group', async () => {
    const image = await evilImage(good, { mke2fs: ['-g', '1024'], size: 4096 });
    image.bytes.writeUInt32LE(0x7fffffff, 2 * BLOCK + 32 + 8); // inode table of the second group
    image.redirect('', 'good', image.superblock.readUInt32LE(0x28) + 1);
    const { found, findings } = await extractedImage(image.bytes);
    expect([...found.keys()]).toEqual([]);
    expect(findings).toEqual(['EXT4_BLOCK_RANGE good']);
  });

  test('of symbolic links that lie about their length', async () => {
    const plants: Record<string, Plant> = {
      aaaa: { symlink: 'x' },
      bbbb: { symlink: 'y' },
      cccc: { symlink: 'z' },
    };
    const { rest, findings } = await extractedEvil(plants, (image) => {
      image.setSize('aaaa', 0n);
      image.setSize('bbbb', 0xffffffffn);
      image.setSize('cccc', 900n);
    });
    expect(rest).toEqual({});
    expect(findings.filter((finding) => !finding.startsWith('EXT4_BLOCK'))).toEqual([
      'SYMLINK_INVALID aaaa',
      'EXT4_SYMLINK bbbb',
      'SYMLINK_INVALID cccc',
    ]);
  });
});
