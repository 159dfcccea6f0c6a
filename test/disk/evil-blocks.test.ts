import { describe, expect, test } from 'vitest';
import {
  BLOCK,
  evilImage,
  extractedEvil,
  good,
  goodFound,
  writeIndex,
  writeLeaf,
  type EvilImage,
} from './evil-ext4.js';
import { MemorySource } from './ext4-fixture.js';
import { extractedImage, type Extracted } from './extract-fixture.js';

const data = (blocks: number) => Array.from({ length: blocks }, (_, n) => `${n}`.padEnd(BLOCK, '.')).join('');

describe('extents', () => {
  const at = (image: EvilImage) => image.firstBlock('zzzz');
  const blocks = (...numbers: (number | string)[]) =>
    numbers
      .map((number) => (number === '' ? '\u2205'.repeat(BLOCK / 64) : `${number}`.padEnd(BLOCK, '.')))
      .join('');

  test.each<[name: string, evil: (image: EvilImage) => void, contents: string, codes: string[]]>([
    [
      'outside the image',
      (image) =>
        writeLeaf(image.map('zzzz'), [
          { logical: 0, length: 1, physical: at(image) },
          { logical: 1, length: 1, physical: 2 ** 40 },
          { logical: 2, length: 1, physical: 0 },
          { logical: 3, length: 1, physical: at(image) + 3 },
        ]),
      blocks(0, '', '', 3),
      ['EXT4_BLOCK_RANGE', 'EXT4_BLOCK_RANGE'],
    ],
    [
      'that overlap: the first wins',
      (image) =>
        writeLeaf(image.map('zzzz'), [
          { logical: 0, length: 2, physical: at(image) },
          { logical: 1, length: 3, physical: at(image) },
        ]),
      blocks(0, 1, 1, 2),
      ['EXT4_EXTENT'],
    ],
    [
      'that run backwards',
      (image) =>
        writeLeaf(image.map('zzzz'), [
          { logical: 2, length: 2, physical: at(image) + 2 },
          { logical: 0, length: 2, physical: at(image) },
        ]),
      blocks('', '', 2, 3),
      ['EXT4_EXTENT'],
    ],
    [
      'of no length',
      (image) =>
        writeLeaf(image.map('zzzz'), [
          { logical: 0, length: 0, physical: at(image) },
          { logical: 1, length: 1, physical: at(image) },
        ]),
      blocks('', 0, '', ''),
      ['EXT4_EXTENT'],
    ],
    [
      'without a magic number',
      (image) => image.map('zzzz').writeUInt16LE(0, 0),
      blocks('', '', '', ''),
      ['EXT4_EXTENT'],
    ],
    [
      'too many',
      (image) => image.map('zzzz').writeUInt16LE(0xffff, 2),
      blocks('', '', '', ''),
      ['EXT4_EXTENT'],
    ],
    ['too deep', (image) => image.map('zzzz').writeUInt16LE(6, 6), blocks('', '', '', ''), ['EXT4_EXTENT']],
    [
      'in a tree that leads into itself',
      (image) => {
        const first = at(image);
        const node = first + 3;
        writeIndex(image.map('zzzz'), 2, [[0, node]]);
        writeIndex(image.block(node), 1, [[0, node], [1, node]]); // prettier-ignore
      },
      blocks('', '', '', ''),
      ['EXT4_EXTENT', 'EXT4_EXTENT'],
    ],
    [
      'in two leaves, of which one is outside the image',
      (image) => {
        const first = at(image);
        const node = first + 3;
        writeIndex(image.map('zzzz'), 1, [[0, 0x7fffffff], [2, node]]); // prettier-ignore
        writeLeaf(image.block(node), [{ logical: 2, length: 1, physical: first }]);
      },
      blocks('', '', 0, ''),
      ['EXT4_BLOCK_RANGE'],
    ],
    [
      'outside the range of their leaf',
      (image) => {
        const first = at(image);
        const node = first + 3;
        writeIndex(image.map('zzzz'), 1, [[0, node], [1, 0x7fffffff]]); // prettier-ignore
        writeLeaf(image.block(node), [{ logical: 0, length: 3, physical: first }]);
      },
      blocks(0, '', '', ''),
      ['EXT4_EXTENT', 'EXT4_BLOCK_RANGE'],
    ],
  ])('%s', async (_, evil, contents, codes) => {
    const { rest, findings } = await extractedEvil({ zzzz: data(4) }, evil);
    expect(rest).toEqual({ zzzz: `file 644 4096 ${contents}` });
    expect(findings).toEqual(codes.map((code) => `${code} zzzz`));
  });

  test('a file that claims exabytes', async () => {
    const { rest, findings, report } = await extractedEvil({ zzzz: data(4) }, (image) =>
      image.setSize('zzzz', 0x7fffffffffffffffn),
    );
    expect(rest).toEqual({ zzzz: `file 644 4096 ${blocks(0, 1, 2, 3)}` });
    expect(findings).toEqual(['FILE_SIZE zzzz']);
    expect(report.truncated).toBe(true);
  });

  test('blocks that are shared until they exceed the image', async () => {
    const { findings, report } = await extractedEvil({ zzzz: data(4) }, (image) => {
      const extents = Array.from({ length: 4 }, (_, n) => ({
        logical: n * 2000,
        length: 2000,
        physical: at(image),
      }));
      writeLeaf(image.map('zzzz'), extents);
      image.setSize('zzzz', 8000n * 1024n);
    });
    expect(findings).toEqual(['LIMIT_BYTES']);
    expect(report).toMatchObject({ bytes: 4 << 20, truncated: true });
  });

  test('a directory that claims more than the image, the same block again and again', async () => {
    const { rest, findings } = await extractedEvil({ 'd/file': 'x' }, (image) => {
      const physical = image.firstBlock('d');
      writeLeaf(
        image.map('d'),
        [0, 1, 2, 3].map((logical) => ({ logical, length: 1, physical })),
      );
      image.setSize('d', 0xffffffffn);
    });
    expect(rest).toMatchObject({ d: 'directory 755', 'd/file': 'file 644 1 x' });
    expect(new Set(findings)).toEqual(
      new Set([
        'EXT4_DIRECTORY d',
        'DIRECTORY_LOOP d/.',
        'DIRECTORY_LOOP d/..',
        'HARD_LINK d/file',
        'NAME_DUPLICATE d/file',
      ]),
    );
  });
});

describe('block maps', () => {
  const withMap = async (evil: (image: EvilImage, pointers: Buffer) => void): Promise<Extracted> => {
    const image = await evilImage({ ...good, zzzz: data(20) }, { mke2fs: ['-O', '^extent'] });
    evil(image, image.map('zzzz'));
    const result = await extractedImage(image.bytes);
    expect(Object.fromEntries(result.found)).toMatchObject(goodFound);
    return result;
  };

  test('with blocks outside the image', async () => {
    const { found, findings } = await withMap((_, pointers) => {
      pointers.writeUInt32LE(0xffffffff, 4);
      pointers.writeUInt32LE(0x7fffffff, 4 * 12);
    });
    const hole = '\u2205'.repeat(BLOCK / 64);
    const expected = data(12).replace('1'.padEnd(BLOCK, '.'), hole) + hole.repeat(8);
    expect(found.get('zzzz')).toBe(`file 644 20480 ${expected}`);
    expect(findings).toEqual(['EXT4_BLOCK_RANGE zzzz', 'EXT4_BLOCK_RANGE zzzz']);
  });

  test('that lead into themselves', async () => {
    const { findings, report } = await withMap((image, pointers) => {
      const indirect = pointers.readUInt32LE(4 * 12);
      image.block(indirect).fill(0);
      for (let at = 0; at < BLOCK; at += 4) image.block(indirect).writeUInt32LE(indirect, at);
      pointers.writeUInt32LE(indirect, 4 * 13);
      pointers.writeUInt32LE(indirect, 4 * 14);
      image.setSize('zzzz', 1n << 40n);
    });
    expect(new Set(findings)).toEqual(new Set(['EXT4_BLOCK_MAP zzzz']));
    expect(report).toMatchObject({ bytes: 13 + (12 + 256) * BLOCK });
  });
});

describe('inline data', () => {
  const withInline = async (evil: (image: EvilImage) => void): Promise<Extracted> => {
    const plants = { ...good, 'd/in': 'x', zzzz: 'inline '.repeat(15) };
    const image = await evilImage(plants, { mke2fs: ['-O', 'inline_data'] });
    evil(image);
    return extractedImage(image.bytes);
  };
  const attribute = (image: EvilImage) => image.inode('zzzz').subarray(128 + 32 + 4);

  test('that is shorter than claimed', async () => {
    const { found, findings } = await withInline((image) => image.setSize('zzzz', 5000n));
    expect(found.get('zzzz')).toMatch(/^file 644 5000 inline inline/);
    expect(findings).toEqual(['EXT4_INLINE zzzz']);
  });

  test.each<[string, (image: EvilImage) => void]>([
    ['outside the inode', (image) => attribute(image).writeUInt16LE(0xfff0, 2)],
    ['longer than the inode', (image) => attribute(image).writeUInt32LE(0xffffffff, 8)],
    ['in another inode', (image) => attribute(image).writeUInt32LE(12, 4)],
    ['of another name', (image) => attribute(image).write('atad', 16)],
    ['behind impossible fields', (image) => image.inode('zzzz').writeUInt16LE(0xfff0, 0x80)],
  ])('whose attribute is %s', async (_, evil) => {
    const { found, findings } = await withInline(evil);
    expect(found.get('zzzz')).toMatch(/^file 644 105 (inline ){8}inli\0{45}$/);
    expect(found.get('good/file')).toBe('file 644 13 good contents');
    expect(findings).toEqual(['EXT4_INLINE zzzz']);
  });
});

test('a disk with broken sectors gives all the rest', async () => {
  const image = await evilImage({ ...good, zzzz: data(300) });
  const source = new MemorySource(image.bytes);
  const first = image.firstBlock('zzzz');
  source.broken.push({ from: (first + 7) * BLOCK + 500, to: (first + 9) * BLOCK - 500 });
  const { found, findings } = await extractedImage(source);
  expect(Object.fromEntries(found)).toMatchObject(goodFound);
  const hole = '\u2205'.repeat((2 * BLOCK) / 64);
  expect(found.get('zzzz')).toBe(`file 644 307200 ${data(7)}${hole}${data(300).slice(9 * BLOCK)}`);
  expect(findings).toEqual(['IMAGE_READ zzzz']);
});
