import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fat16Geometry, fat32Geometry, type Geometry } from '../../src/disk/fat/geometry.js';
import { fatBytes, writeFat, type FatOptions, type MediumEntry } from '../../src/disk/fat/index.js';
import { GvaError } from '../../src/system/errors.js';
import { requireTool } from '../support/tools.js';
import { inventoryOf, inventoryOfFolder, names, oddCharacters, trees } from './media.js';

const options: FatOptions = { label: 'GVA-FLOPPY' };
const mebibyte = 1024 * 1024;

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'gva-fat-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (path: string, text = 'x'): MediumEntry => ({ kind: 'file', path, content: Buffer.from(text) });

function run(tool: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(requireTool(tool), args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', MTOOLSRC: '/dev/null' },
  });
  expect(status, `${tool}: ${stdout}${stderr}`).toBe(0);
  expect(stderr, tool).toBe('');
  return stdout;
}

/** fsck.fat must find nothing to say but its version and the count. */
function check(image: string): void {
  const lines = run('fsck.fat', ['-n', image]).trimEnd().split('\n');
  expect(lines, lines.join('\n')).toHaveLength(2);
  expect(lines[1]).toMatch(/: \d+ files, \d+\/\d+ clusters$/);
}

/** Checks an image and takes all files out of it by mtools. */
function extract(image: string): ReturnType<typeof inventoryOfFolder> {
  check(image);
  const target = join(folder, 'extracted');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  if (run('mdir', ['-b', '-a', '-i', image, '::/']) !== '')
    run('mcopy', ['-s', '-n', '-i', image, '::/', target]);
  return inventoryOfFolder(target, { modes: false });
}

function extractBytes(bytes: Uint8Array): ReturnType<typeof inventoryOfFolder> {
  const image = join(folder, 'image');
  writeFileSync(image, bytes);
  return extract(image);
}

describe('contents', () => {
  const name = names(
    oddCharacters.filter((each) => !'"*/:<>?\\|'.includes(each)),
    253,
  ).map((each) => each.replace(/[. ]$/, '_'));
  const tree = trees(name, { same: (each) => each.toUpperCase() });

  test.each(['floppy', 'fat16', 'fat32'] as const)(
    'random trees come back identical by mtools: %s',
    async (type) => {
      const image = join(folder, type);
      await fc.assert(
        fc.asyncProperty(tree, async (entries) => {
          await writeFat(image, entries, { ...options, type });
          expect(extract(image)).toEqual(inventoryOf(entries, { modes: false }));
        }),
        { numRuns: 20 },
      );
    },
  );

  test('names of every length and deep directories', () => {
    const entries: MediumEntry[] = [
      { kind: 'directory', path: 'names' },
      file(`${Array.from({ length: 20 }, (_, level) => `level ${level}`).join('/')}/bottom`, 'deep'),
    ];
    for (let length = 1; length <= 255; length++)
      entries.push(file(`names/${'n'.repeat(length)}`, String(length)));
    expect(extractBytes(fatBytes(entries, options))).toMatchObject(inventoryOf(entries, { modes: false }));
  });

  test('thousands of similar names', () => {
    const entries = Array.from({ length: 3000 }, (_, index) =>
      file(`a long file name ${index}.data`, String(index)),
    );
    const bytes = fatBytes(entries, options);
    expect(extractBytes(bytes)).toEqual(inventoryOf(entries, { modes: false }));
    expect(typeOf(bytes)).toBe('FAT16');
  });

  test('characters beyond UCS-2 are stored as surrogate pairs', () => {
    // mtools knows no surrogates: look at the units of the only long entry, behind the label.
    const bytes = Buffer.from(fatBytes([file('a 😀')], options));
    const entry = bytes.subarray(19 * 512 + 32);
    expect(entry.toString('utf16le', 1, 11)).toBe('a 😀\0');
  });
});

describe('short names', () => {
  const aliases = (entries: readonly MediumEntry[]): Record<string, string> => {
    const bytes = Buffer.from(fatBytes(entries, options));
    const found: Record<string, string> = {};
    let long = '';
    for (let at = 19 * 512; bytes[at] !== 0; at += 32) {
      const entry = bytes.subarray(at, at + 32);
      if (entry[11] === 0x0f) {
        const units = Buffer.concat([entry.subarray(1, 11), entry.subarray(14, 26), entry.subarray(28, 32)]);
        long = units.toString('utf16le').replace(/\0.*/s, '') + long;
      } else if (entry[11] !== 0x08) {
        found[long] = entry.toString('latin1', 0, 11);
        long = '';
      }
    }
    return found;
  };

  test('are derived as Windows does, and unique', () => {
    const entries = [
      '.bashrc',
      'a b.c d',
      'a.tar.gz',
      'long name 1.text',
      'long name 2.text',
      'readme.txt',
      'ß+ß',
      '..x',
    ];
    expect(aliases(entries.map((path) => file(path)))).toEqual({
      '..x': 'X~1        ',
      '.bashrc': 'BASHRC~1   ',
      'a b.c d': 'AB~1    CD ',
      'a.tar.gz': 'ATAR~1  GZ ',
      'long name 1.text': 'LONGNA~1TEX',
      'long name 2.text': 'LONGNA~2TEX',
      'readme.txt': 'README  TXT',
      'ß+ß': '___~1      ',
    });
  });

  test('never take the name of another file', () => {
    expect(aliases([file('long name.txt'), file('longna~1.txt')])).toEqual({
      'long name.txt': 'LONGNA~2TXT',
      'longna~1.txt': 'LONGNA~1TXT',
    });
  });
});

describe('media', () => {
  test('without size or type, the smallest of floppy, FAT16 and FAT32', () => {
    const bytes = fatBytes([file('a')], options);
    expect([bytes.length, typeOf(bytes)]).toEqual([1_474_560, 'FAT12']);
    const larger = fatBytes([file('a', 'a'.repeat(5 * mebibyte))], options);
    expect([larger.length, typeOf(larger)]).toEqual([6 * mebibyte, 'FAT16']);
    const fat32 = fatBytes([file('a')], { ...options, type: 'fat32' });
    expect([fat32.length, typeOf(fat32)]).toEqual([33 * mebibyte, 'FAT32']);
  });

  test('a floppy can be filled to the last byte', () => {
    const entries = [file('full', 'f'.repeat(2847 * 512))];
    expect(extractBytes(fatBytes(entries, options))).toEqual(inventoryOf(entries, { modes: false }));
    expect(() =>
      fatBytes([file('full', 'f'.repeat(2847 * 512 + 1))], { ...options, type: 'floppy' }),
    ).toThrow(/"full": its 1457665 bytes do not fit into the 1457664 bytes that are left/);
  });

  test.each([
    [3 * mebibyte, 'FAT16'],
    [511 * mebibyte, 'FAT16'],
    [512 * mebibyte, 'FAT32'],
    [64 * 1024 * mebibyte, 'FAT32'],
  ])('of %i bytes is %s', async (size, type) => {
    const image = join(folder, 'sized');
    expect(await writeFat(image, [file('dir/a file')], { label: 'GVA DATA', size })).toEqual({ size });
    expect(statSync(image).size).toBe(size);
    expect(statSync(image).blocks * 512).toBeLessThan(3 * mebibyte);
    expect(typeOf(headOf(image))).toBe(type);
    expect(extract(image)).toEqual({ dir: 'directory', 'dir/a file': 'file x' });
  });

  test('in a partition they say where they begin', () => {
    const image = join(folder, 'partition');
    const bytes = fatBytes([file('a')], { label: 'GVA-BOOT', type: 'fat16', firstSector: 2048 });
    writeFileSync(image, bytes);
    check(image);
    expect(run('minfo', ['-i', image])).toMatch(/^hidden sectors: 2048$/m);
    writeFileSync(image, fatBytes([file('a')], { label: 'GVA-BOOT', type: 'fat16' }));
    expect(run('minfo', ['-i', image])).toMatch(/^hidden sectors: 0$/m);
  });

  test('every geometry keeps to the limits of its type and of its table', () => {
    const sound = ({ width, ...geometry }: Geometry): boolean => {
      const [least, most] = width === 16 ? [4085, 65524] : [65525, 0x0ffffff5];
      const rootSectors = Math.ceil((geometry.rootEntries * 32) / 512);
      const used = geometry.reservedSectors + 2 * geometry.fatSectors + rootSectors;
      return (
        geometry.clusters >= least &&
        geometry.clusters <= most &&
        ((geometry.clusters + 2) * width) / 8 <= geometry.fatSectors * 512 &&
        used + geometry.clusters * geometry.sectorsPerCluster <= geometry.sectors
      );
    };
    fc.assert(
      fc.property(
        fc.integer({ min: 6144, max: 4_192_256 }),
        fc.integer({ min: 67_584, max: 0xffffffff }),
        (a, b) => {
          const geometries = [fat16Geometry(a), fat32Geometry(a), fat32Geometry(b)];
          for (const geometry of geometries) if (geometry !== undefined) expect(geometry).toSatisfy(sound);
          expect(geometries[0]).toBeDefined();
          expect(geometries[2]).toBeDefined();
        },
      ),
      { numRuns: 500 },
    );
  });

  test('the label is in the boot sector and in the root directory', () => {
    const image = join(folder, 'label');
    writeFileSync(image, fatBytes([file('a')], options));
    const found = run('blkid', ['-p', '-o', 'export', image]);
    expect(found).toContain('\nLABEL=GVA-FLOPPY\n');
    expect(found).toContain('LABEL_FATBOOT=GVA-FLOPPY\n');
  });
});

describe('reproducibility', () => {
  const entries: MediumEntry[] = [file('dir/b', '2'), file('a', '1'), { kind: 'directory', path: 'empty' }];
  const serial = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex', 39, 43);

  test('equal entries in any order give equal bytes; others give another serial number', () => {
    const bytes = fatBytes(entries, options);
    expect(Buffer.from(fatBytes([...entries].reverse(), options)).equals(bytes)).toBe(true);
    expect(serial(fatBytes([...entries, file('new', '')], options))).not.toBe(serial(bytes));
    expect(
      serial(fatBytes([file('a', '2'), ...entries.filter(({ path }) => path !== 'a')], options)),
    ).not.toBe(serial(bytes));
  });

  test('the date is an option', () => {
    const image = join(folder, 'dated');
    writeFileSync(image, fatBytes(entries, { ...options, date: new Date('2024-02-29T23:59:58Z') }));
    check(image);
    expect(run('mdir', ['-i', image, '::/A'])).toMatch(/ 1 2024-02-29 {2}23:59 /);
  });

  test('files written from sources are those made in memory, but for the serial number', async () => {
    const contents = ['', 'short', 'y'.repeat(2_000_000)];
    const fromSources = contents.map((text, index): MediumEntry => {
      const source = join(folder, `source-${index}`);
      writeFileSync(source, text);
      return { kind: 'file', path: `file ${index}`, content: { source, size: text.length } };
    });
    const image = join(folder, 'streamed');
    await writeFat(image, fromSources, options);
    const streamed = readFileSync(image);
    const inMemory = fatBytes(
      contents.map((text, index) => file(`file ${index}`, text)),
      options,
    );
    streamed.set(inMemory.subarray(39, 43), 39);
    expect(streamed.equals(inMemory)).toBe(true);
    expect(() => fatBytes(fromSources, options)).toThrow(TypeError);
  });

  test('a source of another size is named', async () => {
    const source = join(folder, 'shrunk');
    writeFileSync(source, 'three');
    const entries: MediumEntry[] = [{ kind: 'file', path: 'f', content: { source, size: 6 } }];
    await expect(writeFat(join(folder, 'none'), entries, options)).rejects.toThrow(`${source} on the medium`);
  });
});

describe('errors', () => {
  const messageOf = (entries: readonly MediumEntry[], given: Partial<FatOptions> = {}): string => {
    try {
      fatBytes(entries, { ...options, ...given });
    } catch (error) {
      if (error instanceof GvaError && error.code === 'MEDIUM_ENTRY') return error.message;
      throw error;
    }
    throw new Error('nothing was thrown');
  };

  test('one error names everything that FAT cannot hold', () => {
    const message = messageOf(
      [
        file('a:b'),
        file('tab\t'),
        file('dot.'),
        file('space '),
        file('dir/x?/file'),
        file('Case'),
        file('case'),
        file('É'),
        file('é'),
        file('../up'),
        { kind: 'symlink', path: 'link', target: 'a' },
        { kind: 'file', path: 'huge', content: { source: 'huge', size: 2 ** 32 } },
        file('good'),
      ],
      { label: 'lower', date: new Date('1979-12-31') },
    );
    expect(message).toMatchInlineSnapshot(`
      "cannot make the FAT medium:
        the label "lower" must have 1 to 11 upper case letters, digits, spaces or $%'-_@~\`!(){}^#&
        the year of the date must be from 1980 to 2107
        "../up": the path has a component "." or ".."
        "a:b": FAT has no names with the character ":"
        "tab\\t": FAT has no names with the character "\\t"
        "dot.": FAT has no names that end with a dot or a space
        "space ": FAT has no names that end with a dot or a space
        "case": the name differs only by case from "Case"
        "é": the name differs only by case from "É"
        "link": FAT has no symbolic links
        "huge": 4294967296 bytes are more than a file on a FAT medium can have (4 GiB - 32 KiB)
        "dir/x?": FAT has no names with the character "?""
    `);
  });

  test('everything that does not fit is named', () => {
    const entries = [
      file('a', 'a'.repeat(mebibyte)),
      file('b', 'b'.repeat(mebibyte)),
      file('c', 'c'),
      file('d', 'd'.repeat(mebibyte)),
    ];
    expect(messageOf(entries, { size: 1_474_560 })).toMatchInlineSnapshot(`
      "cannot make the FAT medium:
        "b": its 1048576 bytes do not fit into the 409088 bytes that are left
        "d": its 1048576 bytes do not fit into the 408576 bytes that are left"
    `);
    const many = Array.from({ length: 224 }, (_, index) => file(`F${index}`));
    expect(messageOf(many, { type: 'floppy' })).toMatchInlineSnapshot(`
      "cannot make the FAT medium:
        the root directory needs 225 entries, and can have 224"
    `);
  });

  test.each([
    [{ size: 1000 }],
    [{ size: -512 }],
    [{ size: mebibyte }],
    [{ size: mebibyte, type: 'floppy' as const }],
    [{ size: 4096 * mebibyte, type: 'fat16' as const }],
    [{ size: 16 * mebibyte, type: 'fat32' as const }],
  ])('impossible size: %o', (given) => {
    expect(messageOf([file('a')], given)).toMatch(/the size (of )?-?\d+ /);
  });

  test.each(['', 'TWELVE CHARS', 'lower', 'A.B', ' A', 'A ', 'ÄÖ'])('impossible label: %j', (label) => {
    expect(messageOf([], { label })).toContain(`the label ${JSON.stringify(label)} must have`);
  });
});

/** The boot sector of an image that may be too large for memory. */
function headOf(image: string): Uint8Array {
  const head = Buffer.alloc(512);
  const handle = openSync(image, 'r');
  readSync(handle, head);
  closeSync(handle);
  return head;
}

function typeOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, 512).toString('latin1');
  return /FAT(12|16|32)/.exec(text.slice(54, 59) + text.slice(82, 87))?.[0] ?? 'none';
}
