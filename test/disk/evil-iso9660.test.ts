import { describe, expect, test } from 'vitest';
import { openIso, type MediumEntry } from '../../src/disk/iso9660/index.js';
import { extractedEvil, evilIso, file, SECTOR, type EvilIso } from './evil-iso9660.js';
import { MemorySource } from './ext4-fixture.js';

const huge = 0xffffffff;

describe('names', () => {
  test.each([
    ['a slash', '../evil', '.._evil~1', '..\\x2fevil'],
    ['an absolute path', '/etc/xx', '_etc_xx~1', '\\x2fetc\\x2fxx'],
    ['NUL', 'a\0bcdef', 'a_bcdef~1', 'a\\x00bcdef'],
  ])('of Rock Ridge with %s', async (_, name, saved, path) => {
    const { rest, findings } = await extractedEvil([file('zzzzzzz', 'contents')], (image) => {
      image.entry('zzzzzzz', 'NM').write(name, 5, 'latin1');
    });
    expect(rest).toEqual({ [saved]: 'file 644 8 contents' });
    expect(findings).toEqual([`NAME_UNSAFE ${path}`]);
  });

  test.each(['.', '..', ''])('of Rock Ridge that are %j', async (name) => {
    const { rest, findings } = await extractedEvil([file('zz')], (image) => {
      const entry = image.entry('zz', 'NM');
      entry[2] = 5 + name.length;
      entry.write(name, 5, 'latin1');
      entry.fill(0, 5 + name.length);
    });
    expect(rest).toEqual({ [`${name}~1`]: 'file 644 1 x' });
    expect(findings).toEqual([`NAME_UNSAFE ${name}`.trim()]);
  });

  test('that occur twice', async () => {
    const { rest, findings } = await extractedEvil([file('aa', '1'), file('bb', '2')], (image) => {
      image.entry('bb', 'NM').write('aa', 5);
    });
    expect(rest).toEqual({ aa: 'file 644 1 1', 'aa~1': 'file 644 1 2' });
    expect(findings).toEqual(['NAME_DUPLICATE aa']);
  });

  test('a symbolic link that leads out', async () => {
    const link: MediumEntry = { kind: 'symlink', path: 'zz', target: '/etc/passwd' };
    const { rest, findings } = await extractedEvil([link], () => undefined);
    expect(rest).toEqual({});
    expect(findings).toEqual(['SYMLINK_ESCAPE zz']);
  });
});

describe('extents', () => {
  test.each<[string, (image: EvilIso) => void, string]>([
    ['that begin behind the image', (image) => image.setExtent('zz', huge), 'file 644 1 \0'],
    ['that end behind the image', (image) => image.setExtent('zz', 63, 4096), 'file 644 4096'],
  ])('%s', async (_, evil, found) => {
    const { rest, findings } = await extractedEvil([file('zz')], evil);
    expect(rest['zz']).toContain(found);
    expect(findings).toEqual(['ISO_EXTENT zz']);
  });

  test('of 4 GiB each, in an image of 128 KiB', async () => {
    const { report, findings } = await extractedEvil(
      [file('aa'), file('bb')],
      (image) => {
        image.setExtent('aa', 0, huge);
        image.setExtent('bb', 0, huge);
      },
      { harmless: false },
    );
    expect(findings).toContain('ISO_EXTENT aa');
    expect(findings).toContain('LIMIT_BYTES');
    expect(report.bytes).toBe(64 * SECTOR);
    expect(report.complete).toBe(false);
  }, 10_000);

  test('of a directory that are not in the image', async () => {
    const { rest, findings } = await extractedEvil([file('dd/in')], (image) =>
      image.setExtent('dd', 1 << 30),
    );
    expect(rest).toEqual({ dd: 'directory 755' });
    expect(findings).toEqual(['ISO_EXTENT dd']);
  });

  test('with gaps', async () => {
    const { rest, findings } = await extractedEvil([file('zz')], (image) => {
      image.record('zz')[26] = 1;
    });
    expect(rest['zz']).toBe('file 644 1 \0');
    expect(findings).toEqual(['ISO_INTERLEAVED zz']);
  });
});

describe('directories', () => {
  test.each<[string, (image: EvilIso) => number]>([
    ['the root', (image) => image.sectorOf('')],
    ['itself', (image) => image.sectorOf('dd')],
    ['one above', (image) => image.sectorOf('dd/sub')],
  ])('that lead to %s', async (_, sector) => {
    const { rest, findings } = await extractedEvil([file('dd/sub/loop/in'), file('dd/zz')], (image) => {
      image.setExtent('dd/sub/loop', sector(image));
    });
    expect(rest).toEqual({ dd: 'directory 755', 'dd/sub': 'directory 755', 'dd/zz': 'file 644 1 x' });
    expect(findings).toEqual(['DIRECTORY_LOOP dd/sub/loop']);
  });

  test.each([
    ['is too short', (record: Buffer) => (record[0] = 33)],
    ['leaves its sector', (record: Buffer) => (record[0] = 255)],
    ['has a name longer than itself', (record: Buffer) => (record[32] = 250)],
    ['has no name', (record: Buffer) => (record[32] = 0)],
  ])('a record that %s: the rest of its sector is lost, the next is not', async (_, evil) => {
    const entries = Array.from({ length: 40 }, (__, n) => file(`dd/${n + 10}`));
    let broken = 0;
    const { found, findings } = await extractedEvil(entries, (image) => {
      // The last record of the first sector.
      const first = entries.filter(
        ({ path }) => image.record(path).byteOffset < image.sector(image.sectorOf('dd') + 1).byteOffset,
      );
      broken = first.length;
      evil(image.record(first.at(-1)!.path));
    });
    expect(broken).toBeGreaterThan(5);
    expect(findings).toEqual(['ISO_DIRECTORY dd']);
    expect(found.size).toBe(3 + 1 + 40 - 1);
  });

  test('contents that are no directory', async () => {
    const { found, findings } = await extractedEvil(
      [file('dd/in'), file('zz', '\x77'.repeat(5000))],
      (image) => image.setExtent('dd', image.sectorOf('zz')),
    );
    expect(found.get('dd')).toBe('directory 755');
    expect(new Set(findings)).toEqual(new Set(['ISO_DIRECTORY dd']));
  });

  test('a directory that Rock Ridge calls a file, a device, a FIFO', async () => {
    const entries = [file('aa/in'), file('bb'), file('cc'), file('dd')];
    const { rest, findings } = await extractedEvil(entries, (image) => {
      const mode = (path: string, value: number) => image.entry(path, 'PX').writeUInt32LE(value, 4);
      mode('aa', 0o100644);
      mode('bb', 0o060660);
      mode('cc', 0o010644);
      mode('dd', 0o040755);
    });
    expect(rest).toEqual({ aa: 'directory 744', 'aa/in': 'file 644 1 x', dd: 'file 755 1 x' });
    expect(findings).toEqual(['ISO_DIRECTORY aa', 'SPECIAL_FILE bb', 'SPECIAL_FILE cc', 'ISO_DIRECTORY dd']);
  });
});

describe('attributes', () => {
  const long: MediumEntry[] = [{ kind: 'file', path: 'l'.repeat(240), content: Buffer.from('x') }];
  const name = 'l'.repeat(240);
  /** Block, offset and length of a CE entry. */
  const continueAt = (entry: Buffer, ...values: number[]): void =>
    values.forEach((value, index) => entry.writeUInt32LE(value, 4 + 8 * index));

  test.each<[string, number[]]>([
    ['outside the image', [huge, 0, 200]],
    ['across blocks', [20, 2000, 200]],
    ['without length', [20, 0, 0]],
    ['of gigabytes', [0, 0, huge]],
  ])('that are continued %s: those before count', async (_, place) => {
    const { rest, findings } = await extractedEvil(long, (image) =>
      continueAt(image.entry(name, 'CE'), ...place),
    );
    expect(Object.values(rest)).toEqual(['file 644 1 x']);
    expect(findings.map((each) => each.split(' ')[0])).toEqual(['ISO_SUSP']);
  });

  test('that are continued in a circle', async () => {
    const { rest, findings } = await extractedEvil(long, (image) => {
      const entry = image.entry(name, 'CE');
      const [block, offset] = [entry.readUInt32LE(4), entry.readUInt32LE(12)];
      entry.copy(image.sector(block), offset); // the continuation is the same CE again
    });
    expect(Object.values(rest)).toEqual(['file 644 1 x']);
    expect(findings.map((each) => each.split(' ')[0])).toContain('ISO_SUSP');
  });

  test.each([0, 3, 255])('with an entry of %i bytes', async (length) => {
    const { findings } = await extractedEvil([file('zz')], (image) => {
      image.entry('zz', 'TF')[2] = length;
    });
    expect(findings).toEqual(['ISO_SUSP zz']);
  });

  test('set-uid and odd numbers', async () => {
    const { rest, findings } = await extractedEvil([file('zz')], (image) => {
      const entry = image.entry('zz', 'PX');
      entry.writeUInt32LE(0o106755, 4);
      entry.fill(0xff, 12);
    });
    expect(rest).toEqual({ zz: 'file 755 1 x' });
    expect(findings).toEqual(['MODE_STRIPPED zz']);
  });

  test('a directory that lies elsewhere, but there is none', async () => {
    const { rest, findings } = await extractedEvil([file('zz')], (image) => {
      image.entry('zz', 'TF').fill(0).write('CL\x0c\x01', 'latin1'); // block 0
    });
    expect(rest).toEqual({});
    expect(findings).toEqual(['ISO_DIRECTORY zz']);
  });

  test('names that claim to be links to one file', async () => {
    const { rest, findings } = await extractedEvil(
      [file('aa', '1'), file('bb', '2'), file('cc', '3')],
      (image) => {
        for (const path of ['aa', 'bb', 'cc']) image.entry(path, 'PX').writeUInt32LE(9, 12);
        image.setExtent('bb', image.sectorOf('aa'));
      },
    );
    expect(rest).toEqual({ aa: 'file 644 1 1', bb: 'file 644 1 1', cc: 'file 644 1 3' });
    expect(findings).toEqual([]);
  });
});

describe('sections', () => {
  const parts = [file('aa', 'begin '), file('ab', 'middle '), file('ac', 'end'), file('dd', 'other')];
  const joined = (image: EvilIso, ...paths: string[]): void => {
    for (const path of paths) image.record(path).write('AA', 33);
    for (const path of paths.slice(0, -1)) image.record(path)[25] = 0x80;
  };

  test('are one file', async () => {
    const { rest, findings } = await extractedEvil(parts, (image) => joined(image, 'aa', 'ab', 'ac'));
    expect(rest).toEqual({ aa: 'file 644 16 begin middle end', dd: 'file 644 5 other' });
    expect(findings).toEqual([]);
  });

  test('of which the last is missing', async () => {
    const { rest, findings } = await extractedEvil(parts, (image) => {
      joined(image, 'aa', 'ab');
      image.record('ab')[25] = 0x80;
    });
    expect(rest).toEqual({ aa: 'file 644 13 begin middle ', ac: 'file 644 3 end', dd: 'file 644 5 other' });
    expect(findings).toEqual(['ISO_SECTIONS aa']);
  });

  test('without end', async () => {
    const many = Array.from({ length: 150 }, (_, n) => file(`dd/a${n + 100}`));
    const { rest, findings } = await extractedEvil(many, (image) => {
      for (const { path } of many) {
        image.record(path).fill('A', 33, 37);
        image.record(path)[25] = 0x80;
      }
    });
    expect(rest).toEqual({ dd: 'directory 755', 'dd/a100': `file 644 100 ${'x'.repeat(100)}` });
    expect(findings).toEqual(['ISO_SECTIONS dd/a100']);
  });
});

describe('volumes', () => {
  test('that are cut off', async () => {
    const { findings, rest } = await extractedEvil([file('zz/zz', 'z'.repeat(300_000))], () => undefined, {
      keep: 200_000,
    });
    expect(rest['zz/zz']).toContain('file 644 300000');
    expect(findings).toEqual(['ISO_TRUNCATED', 'ISO_EXTENT zz/zz']);
  });

  test('with a resource fork', async () => {
    const { rest, findings } = await extractedEvil([file('aa'), file('bb')], (image) => {
      image.record('aa')[25] = 4;
    });
    expect(rest).toEqual({ bb: 'file 644 1 x' });
    expect(findings).toEqual(['ISO_ASSOCIATED']);
  });

  test('whose primary root is nowhere: Joliet is read', async () => {
    const { rest, iso } = await extractedEvil(
      [file('zz')],
      (image) => image.descriptor(0).writeUInt32LE(huge, 158),
      { harmless: false },
    );
    expect(iso.flavour).toBe('joliet');
    expect(rest).toEqual({ zz: 'file 644 1 x' });
  });

  test('without a descriptor that can be used', async () => {
    const image = await evilIso([]);
    for (const index of [0, 1]) image.descriptor(index).writeUInt16LE(3000, 128);
    await expect(openIso(new MemorySource(image.bytes))).rejects.toMatchObject({ code: 'ISO_CORRUPT' });
    image.bytes.fill(0, 16 * SECTOR);
    await expect(openIso(new MemorySource(image.bytes))).rejects.toMatchObject({ code: 'ISO_NONE' });
    const short = new MemorySource(image.bytes.subarray(0, 100));
    await expect(openIso(short)).rejects.toMatchObject({ code: 'ISO_NONE' });
  });

  test('of descriptors without end', async () => {
    const image = await evilIso([file('zz')]);
    const bytes = Buffer.alloc(SECTOR * 500);
    image.bytes.copy(bytes);
    for (let sector = 18; sector < 500; sector++) image.descriptor(1).copy(bytes, sector * SECTOR);
    const iso = await openIso(new MemorySource(bytes));
    expect(iso.root.kind).toBe('directory');
  });
});
