import { describe, expect, test } from 'vitest';
import { openFat } from '../../src/disk/fat/index.js';
import { Findings } from '../../src/disk/findings.js';
import { listTree } from '../../src/disk/list.js';
import { evilFat, extractedEvil, type EvilFat } from './evil-fat.js';
import { file } from './evil-iso9660.js';
import { MemorySource } from './ext4-fixture.js';
import { extracted } from './extract-fixture.js';

const kib = (letter: string, count: number): string => letter.repeat(count * 1024);

describe('chains', () => {
  test.each<[string, (image: EvilFat, cluster: number) => void, number]>([
    ['in a circle', (image, first) => image.link(first + 1, first), 2],
    ['to themselves', (image, first) => image.link(first, first), 1],
    ['to a free cluster', (image, first) => image.link(first + 2, 0), 3],
    ['to a bad cluster', (image, first) => image.link(first + 2, 0xff7), 3],
    ['to no cluster', (image, first) => image.link(first, 1), 1],
    ['out of the image', (image, first) => image.link(first, 0xff0), 1],
    ['to an early end', (image, first) => image.link(first, 0xfff), 1],
  ])('that lead %s: the rest of the file is a hole', async (_, evil, clusters) => {
    const { rest, findings } = await extractedEvil([file('zz', kib('z', 2))], (image) =>
      evil(image, image.cluster('zz')),
    );
    const hole = '\u2205'.repeat((2048 - clusters * 512) / 64);
    expect(rest).toEqual({ zz: `file 644 2048 ${'z'.repeat(clusters * 512)}${hole}` });
    expect(findings).toEqual(['FAT_CHAIN zz']);
  });

  test.each([0, 1, 0xfff, 2849])('that begin at %i', async (cluster) => {
    const { rest, findings } = await extractedEvil([file('zz')], (image) => image.setCluster('zz', cluster));
    expect(rest).toEqual({ zz: 'file 644 1 \0' });
    expect(findings).toEqual(['FAT_CHAIN zz']);
  });

  test('of files of 4 GiB on a floppy', async () => {
    const { rest, findings, report } = await extractedEvil([file('zz', kib('z', 1))], (image) =>
      image.setSize('zz', 0xffffffff),
    );
    expect(rest['zz']).toBe('file 644 4294967295 (large)');
    expect(findings).toEqual(['FAT_CHAIN zz']);
    expect(report.bytes).toBe(1024 + 13 + 1);
  });

  test('that share clusters, from the beginning on or later', async () => {
    const entries = [file('aa', kib('a', 2)), file('bb', kib('b', 2)), file('cc', kib('c', 2))];
    const { rest, findings } = await extractedEvil(entries, (image) => {
      image.setCluster('bb', image.cluster('aa'));
      image.link(image.cluster('cc') + 1, image.cluster('aa') + 2);
    });
    expect(rest).toEqual({
      aa: `file 644 2048 ${kib('a', 2)}`,
      bb: `file 644 2048 ${kib('a', 2)}`,
      cc: `file 644 2048 ${kib('c', 1)}${kib('a', 1)}`,
    });
    expect(findings).toEqual(['FAT_CROSSLINK bb', 'FAT_CROSSLINK cc']);
  });

  test('are not taken for shared where a file is read twice', async () => {
    const image = await evilFat([file('aa')]);
    const fat = await openFat(new MemorySource(image.bytes));
    for (let time = 0; time < 2; time++)
      for await (const [entry] of fat.readDirectory(fat.root))
        for await (const piece of fat.readFile(await fat.stat(entry!.id)))
          expect(piece?.data.length ?? 1).toBe(1);
    expect(fat.findings).toEqual([]);
  });

  test('of a directory that break off: what lies before is there', async () => {
    const many = Array.from({ length: 60 }, (_, n) => file(`dd/f${n + 10}`));
    const { found, findings } = await extractedEvil(many, (image) => image.link(image.cluster('dd') + 1, 0));
    // Two clusters of 16 entries: the dots, and short names with a long one each, as they are in lower case.
    expect([...found.keys()].filter((path) => path.startsWith('dd/')).length).toBe(15);
    expect(findings).toEqual(['FAT_CHAIN dd']);
  });

  test('many files in one chain end at the limit of bytes', async () => {
    const entries = Array.from({ length: 100 }, (_, n) => file(`f${n + 100}`, kib('x', 10)));
    const { report, findings } = await extractedEvil(
      [file('big', kib('b', 400)), ...entries],
      (image) => {
        for (const { path } of entries) {
          image.setCluster(path, image.cluster('big'));
          image.setSize(path, 400 * 1024);
        }
      },
      { harmless: false },
    );
    expect(findings).toContain('LIMIT_BYTES');
    expect(report.bytes).toBe(1_474_560);
  });
});

describe('directories', () => {
  test.each<[string, (image: EvilFat) => number, string]>([
    ['the root', () => 0, 'FAT_CHAIN'],
    ['itself', (image) => image.cluster('dd'), 'DIRECTORY_LOOP'],
    ['one above', (image) => image.cluster('dd/sub'), 'DIRECTORY_LOOP'],
  ])('that lead to %s', async (_, cluster, code) => {
    const { rest, findings } = await extractedEvil([file('dd/sub/loop/in'), file('dd/zz')], (image) =>
      image.setCluster('dd/sub/loop', cluster(image)),
    );
    expect(rest).toMatchObject({ dd: 'directory 755', 'dd/sub': 'directory 755', 'dd/zz': 'file 644 1 x' });
    expect(rest['dd/sub/loop/in']).toBeUndefined();
    expect(findings[0]).toBe(`${code} dd/sub/loop`);
  });

  test('of FAT32 that lead to the root', async () => {
    const image = await evilFat([file('dd/loop/in')], { label: 'EVIL', type: 'fat32' });
    image.setCluster('dd/loop', image.boot.readUInt32LE(44));
    const fat = await openFat(new MemorySource(image.bytes));
    const found: string[] = [];
    const findings = new Findings();
    for await (const { text } of listTree(fat, findings)) found.push(text);
    expect(found).toEqual(['dd', 'dd/loop']);
    expect(findings.list.map(({ code }) => code)).toEqual(['DIRECTORY_LOOP']);
  });

  test('without dots, or with those of another', async () => {
    const { found, findings } = await extractedEvil([file('aa/in'), file('bb/in')], (image) => {
      image.data(image.cluster('aa'))[0] = 0xe5;
      image.data(image.cluster('bb')).writeUInt16LE(77, 26);
    });
    expect(found.get('aa/in')).toBe('file 644 1 x');
    expect(found.get('bb/in')).toBe('file 644 1 x');
    expect(findings).toEqual(['FAT_DIRECTORY aa', 'FAT_DIRECTORY bb']);
  });

  test('that are contents of a file', async () => {
    const { report, findings } = await extractedEvil([file('aa/in'), file('zz', kib('a', 2))], (image) =>
      image.setCluster('aa', image.cluster('zz')),
    );
    expect(findings).toContain('FAT_DIRECTORY aa');
    expect(findings.some((finding) => finding.startsWith('NAME_DUPLICATE aa/'))).toBe(true);
    expect(report.files).toBeGreaterThan(2);
  });
});

describe('names', () => {
  /** The entry of a long name in front of a short one. */
  const long = (image: EvilFat): Buffer => image.entry('zz', 1);

  test.each<[string, (entry: Buffer) => void]>([
    ['the checksum of another', (entry) => entry.writeUInt8(entry[13]! ^ 1, 13)],
    ['a number beyond 20', (entry) => entry.writeUInt8(0x40 | 21, 0)],
    ['no last part', (entry) => entry.writeUInt8(2, 0)],
    ['the number 0', (entry) => entry.writeUInt8(0x40, 0)],
    ['a part too few', (entry) => entry.writeUInt8(0x42, 0)],
  ])('with %s: ignored, the short one counts', async (_, evil) => {
    const { rest, findings } = await extractedEvil([file('zz')], (image) => evil(long(image)));
    expect(rest).toEqual({ ZZ: 'file 644 1 x' });
    expect(findings).toEqual(['FAT_LONG_NAME']);
  });

  test('that belong to a deleted entry, or to none', async () => {
    const { rest, findings } = await extractedEvil([file('dd/a'), file('dd/b')], (image) => {
      image.entry('dd/a')[0] = 0xe5;
      image.entry('dd/b')[0] = 0;
    });
    expect(rest).toEqual({ dd: 'directory 755' });
    expect(findings).toEqual(['FAT_LONG_NAME dd', 'FAT_LONG_NAME dd']);
  });

  test.each([
    ['../evil', '.._evil~1', '..\\x2fevil'],
    ['a/b', 'a_b~1', 'a\\x2fb'],
    ['..', '..~1', '..'],
    ['', '~1', ''],
  ])('of %j', async (name, saved, path) => {
    const { rest, findings } = await extractedEvil([file('zz')], (image) => {
      const units = Buffer.from(`${name}\0`.padEnd(13, '\uffff'), 'utf16le');
      units.copy(long(image), 1, 0, 10);
      units.copy(long(image), 14, 10, 22);
    });
    expect(rest).toEqual({ [saved]: 'file 644 1 x' });
    expect(findings).toEqual([`NAME_UNSAFE ${path}`.trim()]);
  });

  test('that are no UTF-16', async () => {
    const { rest, findings } = await extractedEvil([file('zz')], (image) => {
      long(image).writeUInt16LE(0xd800, 1);
    });
    expect(rest).toEqual({ [Buffer.from('\ufffdz').toString('latin1')]: 'file 644 1 x' });
    expect(findings).toEqual(['FAT_LONG_NAME']);
  });

  test('that are short: case, code page, a first byte of E5h, a slash', async () => {
    const { rest, findings } = await extractedEvil(
      ['AA', 'BB', 'CC', 'DD'].map((name) => file(name)),
      (image) => {
        image.entry('AA').write('NAME    TXT', 'latin1');
        image.entry('AA')[12] = 0x18;
        image.entry('BB').write('\x05\x80', 'latin1');
        image.entry('CC').write('C/', 'latin1');
        image.entry('DD')[11] = 0x01;
      },
    );
    expect(
      Object.fromEntries(
        Object.entries(rest).map(([name, what]) => [Buffer.from(name, 'latin1').toString(), what]),
      ),
    ).toEqual({
      'name.txt': 'file 644 1 x',
      σÇ: 'file 644 1 x',
      'C_~1': 'file 644 1 x',
      DD: 'file 444 1 x',
    });
    expect(findings).toEqual(['NAME_UNSAFE C\\x2f']);
  });
});

describe('volumes', () => {
  test('that were not unmounted', async () => {
    const { findings, report } = await extractedEvil([], (image) => image.boot.writeUInt8(1, 37));
    expect(findings).toEqual(['FAT_UNCLEAN']);
    expect(report.complete).toBe(true);
  });

  test('that are cut off', async () => {
    const { findings } = await extractedEvil([file('zz/zz', kib('z', 200))], () => undefined, {
      keep: 100_000,
    });
    expect(findings).toEqual(['FAT_TRUNCATED', 'FAT_CHAIN zz/zz']);
  });

  test.each<[string, string, (boot: Buffer) => void]>([
    ['FAT_NONE', 'no signature', (boot) => boot.fill(0, 510)],
    ['FAT_NONE', 'sectors of 100 bytes', (boot) => boot.writeUInt16LE(100, 11)],
    ['FAT_NONE', 'clusters of 3 sectors', (boot) => boot.writeUInt8(3, 13)],
    ['FAT_NONE', 'no reserved sectors', (boot) => boot.writeUInt16LE(0, 14)],
    ['FAT_NONE', 'no tables', (boot) => boot.writeUInt8(0, 16)],
    ['FAT_CORRUPT', 'tables beyond its size', (boot) => boot.writeUInt16LE(0xffff, 22)],
    ['FAT_CORRUPT', 'no sectors', (boot) => boot.writeUInt16LE(0, 19)],
  ])('%s: %s', async (code, _, evil) => {
    const image = await evilFat([]);
    evil(image.boot);
    await expect(openFat(new MemorySource(image.bytes))).rejects.toMatchObject({ code });
  });

  test('with broken sectors: what can be read is', async () => {
    const image = await evilFat([file('aa', kib('a', 2)), file('bb', kib('b', 300)), file('cc', 'good')]);
    const source = new MemorySource(image.bytes);
    const [at] = [image.data(image.cluster('aa') + 1).byteOffset - image.bytes.byteOffset];
    source.broken.push({ from: at, to: at + 1 });
    // The second sector of the table, which tells how `bb` goes on.
    source.broken.push({ from: 1024, to: 1025 });
    const { found, findings } = await extracted(await openFat(source));
    const hole = '\u2205'.repeat(8);
    expect(found.get('aa')).toBe(`file 644 2048 ${'a'.repeat(512)}${hole}${kib('a', 1)}`);
    expect(found.get('bb')).toMatch(/^file 644 307200 b{100000}b*\u2205*$/);
    expect(found.get('cc')).toBe('file 644 4 good');
    expect(findings).toEqual(['IMAGE_READ aa', 'IMAGE_READ bb']);
  });

  test('with a table that is too small for their size', async () => {
    const { fat } = await extractedEvil(
      [file('zz')],
      (image) => {
        image.boot.writeUInt16LE(0, 19);
        image.boot.writeUInt32LE(0xffffffff, 32);
      },
      { harmless: false },
    );
    expect(fat.findings.map(({ code }) => code)).toContain('FAT_TRUNCATED');
  });
});
