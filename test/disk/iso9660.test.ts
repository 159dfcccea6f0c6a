import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isoBytes, writeIso, type MediumEntry } from '../../src/disk/iso9660/index.js';
import { GvaError } from '../../src/system/errors.js';
import { requireTool } from '../support/tools.js';
import { readIso, type IsoDirectory } from './iso9660-reader.js';
import { inventoryOf, inventoryOfFolder, linkTargets, names, oddCharacters, trees } from './media.js';

const options = { volumeId: 'OVF ENV' };
/** Rock Ridge has any character; these are those that Joliet has not, a line feed, and one beyond UCS-2. */
const isoCharacters = [...oddCharacters, ...Array.from('*:?\\|<>\n😀')];
/** xorriso refuses longer targets; Linux does not. */
const xorrisoTargetLength = 1023;

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'gva-iso9660-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => Buffer.from(text);
const file = (path: string, text = 'x'): MediumEntry => ({ kind: 'file', path, content: bytes(text) });

/** Extracts an image by xorriso, which must have nothing to complain about; returns what its -find lists. */
function extract(image: Uint8Array, target: string, readMode = 'any'): string {
  rmSync(target, { recursive: true, force: true });
  const path = join(folder, 'extract.iso');
  writeFileSync(path, image);
  const reading = ['-read_fs', readMode, '-osirrox', 'on', '-indev', path];
  const { status, stdout, stderr } = spawnSync(
    requireTool('xorriso'),
    ['-abort_on', 'WARNING', ...reading, '-find', '/', '--', '-extract', '/', target],
    { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } },
  );
  expect(status, stderr).toBe(0);
  expect(stderr).not.toMatch(/ : (WARNING|SORRY|MISHAP|FAILURE|FATAL) /);
  return stdout;
}

/** A path as xorriso's -find writes it. */
const quoted = (path: string): string => `'${path.replaceAll("'", `'"'"'`)}'`;

describe('Rock Ridge', () => {
  test('random trees come back identical by xorriso', () => {
    const tree = trees(names(isoCharacters, 253), {
      targets: linkTargets(isoCharacters, xorrisoTargetLength),
    });
    fc.assert(
      fc.property(tree, (entries) => {
        const target = join(folder, 'random');
        const found = extract(isoBytes(entries, options), target);
        const expected = inventoryOf(entries, { modes: true });
        expect(inventoryOfFolder(target, { modes: true })).toEqual(expected);
        const lines = ['/', ...Object.keys(expected).map((path) => `/${path}`)].map(
          (path) => `${quoted(path)}\n`,
        );
        expect(found.length).toBe(lines.join('').length);
        for (const line of lines) expect(found).toContain(line);
      }),
      { numRuns: 40 },
    );
  });

  test('deep directories, thousands of similar names, names and targets of every length', () => {
    const entries: MediumEntry[] = [
      file(`${Array.from({ length: 40 }, (_, level) => `level ${level}`).join('/')}/bottom`, 'deep'),
      ...Array.from({ length: 3000 }, (_, index) =>
        file(`many/a long file name ${index}.data`, String(index)),
      ),
    ];
    for (let length = 1; length <= 253; length++)
      entries.push(file(`names/${'n'.repeat(length)}`, String(length)));
    for (let length = 1; length < 500; length += 3) {
      const target = `/${'t'.repeat(Math.min(255, length))}/../${'u'.repeat(Math.max(1, length - 255))}`;
      entries.push({ kind: 'symlink', path: `links/${length}`, target });
    }
    const target = join(folder, 'extremes');
    extract(isoBytes(entries, options), target);
    expect(inventoryOfFolder(target, { modes: true })).toMatchObject(inventoryOf(entries, { modes: true }));
  });

  test('implied directories have mode 0755, explicit ones theirs, in any order', () => {
    const entries: MediumEntry[] = [
      file('implied/explicit/file'),
      { kind: 'directory', path: 'implied/explicit', mode: 0o700 },
    ];
    const target = join(folder, 'implied');
    extract(isoBytes(entries, options), target);
    expect(inventoryOfFolder(target, { modes: true })).toEqual({
      implied: 'directory 755',
      'implied/explicit': 'directory 700',
      'implied/explicit/file': 'file 644 x',
    });
  });
});

describe('primary and Joliet hierarchy', () => {
  const isJolietName = (name: string): boolean => name.length <= 64 && !/[\n*/:;?\\]/.test(name);

  test('both are well formed and complete for random trees', () => {
    const tree = trees(names(isoCharacters, 253), { targets: fc.constant('target') });
    fc.assert(
      fc.property(tree, (entries) => {
        const image = isoBytes(entries, options);
        const primary = readIso(image, 1);
        const joliet = readIso(image, 2);
        expect(countNodes(primary.root)).toBe(entries.length);
        expect(countNodes(joliet.root)).toBe(entries.filter(({ kind }) => kind !== 'symlink').length);
        for (const name of allNames(primary.root)) {
          expect(name).toMatch(/^([A-Z0-9_]{1,8}|[A-Z0-9_]{0,8}\.[A-Z0-9_]{0,3})$/);
        }
        for (const name of allNames(joliet.root)) expect(isJolietName(name), name).toBe(true);
        for (const entry of entries) {
          if (entry.kind !== 'file' || !entry.path.split('/').every(isJolietName)) continue;
          const node = lookUp(joliet.root, entry.path);
          expect(node?.kind === 'file' && node.content.equals(entry.content as Uint8Array)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('Joliet is what xorriso finds without Rock Ridge', () => {
    const entries = [
      file('Read Me – 日本.txt', 'hello'),
      file('x/a*b:c;d?e\\f'),
      file('x/a_b_c_d_e_f', 'own name'),
    ];
    const target = join(folder, 'joliet');
    extract(isoBytes(entries, options), target, 'norock');
    expect(inventoryOfFolder(target, { modes: false })).toEqual({
      'Read Me – 日本.txt': 'file hello',
      x: 'directory',
      'x/a_b_c_d_e_f_1': 'file x',
      'x/a_b_c_d_e_f': 'file own name',
    });
  });

  test('long Joliet names keep their extension and stay unique', () => {
    const stem = 's'.repeat(100);
    const { root } = readIso(isoBytes([file(`${stem}1.tar`), file(`${stem}2.tar`)], options), 2);
    expect(allNames(root)).toEqual([`${'s'.repeat(60)}.tar`, `${'s'.repeat(58)}_1.tar`].sort());
  });

  test('characters beyond UCS-2 are surrogate pairs in Joliet, never cut in two', () => {
    const { root } = readIso(isoBytes([file('short 😀'), file('😀'.repeat(33))], options), 2);
    expect(allNames(root).sort()).toEqual(['short 😀', '😀'.repeat(32)].sort());
    expect(allNames(readIso(isoBytes([file(`x${'😀'.repeat(33)}`)], options), 2).root)).toEqual([
      `x${'😀'.repeat(31)}`,
    ]);
  });

  test('the volume identifier stands in both descriptors, with its space', () => {
    const image = isoBytes([file('param')], options);
    expect(readIso(image, 1).volumeId).toBe('OVF ENV'.padEnd(32));
    expect(readIso(image, 2).volumeId).toBe('OVF ENV'.padEnd(16));
    const path = join(folder, 'label.iso');
    writeFileSync(path, image);
    const blkid = execFileSync(
      requireTool('blkid'),
      ['-p', '-s', 'LABEL', '-s', 'TYPE', '-o', 'export', path],
      {
        encoding: 'utf8',
      },
    );
    expect(blkid).toContain('LABEL=OVF\\ ENV\n');
    expect(blkid).toContain('TYPE=iso9660\n');
  });

  function countNodes({ children }: IsoDirectory): number {
    let count = children.size;
    for (const child of children.values()) if (child.kind === 'directory') count += countNodes(child);
    return count;
  }

  function allNames({ children }: IsoDirectory): string[] {
    return [...children].flatMap(([name, child]) => [
      name,
      ...(child.kind === 'directory' ? allNames(child) : []),
    ]);
  }

  function lookUp(root: IsoDirectory, path: string): ReturnType<IsoDirectory['children']['get']> {
    let node: ReturnType<IsoDirectory['children']['get']> = root;
    for (const name of path.split('/'))
      node = node?.kind === 'directory' ? node.children.get(name) : undefined;
    return node;
  }
});

describe('reproducibility', () => {
  const entries: MediumEntry[] = [
    file('b/2'),
    file('a'),
    file('b/1', ''),
    { kind: 'symlink', path: 'l', target: 'a' },
  ];

  test('equal entries in any order give equal bytes, and no more sectors than needed', () => {
    const image = isoBytes(entries, options);
    expect(Buffer.from(isoBytes([...entries].reverse(), options)).equals(image)).toBe(true);
    expect(image.length).toBe(64 * 2048);
    // 19 to the terminator, 4 path tables, 1 continuation, 2 directories in 2 hierarchies, 3 files.
    const larger = [...entries, file('large', 'l'.repeat(100 * 2048))];
    expect(isoBytes(larger, options).length).toBe((19 + 4 + 1 + 4 + 2 + 100) * 2048);
  });

  test('the date is an option', () => {
    const date = new Date('2024-02-29T23:59:58Z');
    const image = Buffer.from(isoBytes(entries, { ...options, date }));
    expect(image.toString('latin1', 16 * 2048 + 813, 16 * 2048 + 829)).toBe('2024022923595800');
    const target = join(folder, 'dated');
    extract(image, target);
    expect(lstatSync(join(target, 'a')).mtime).toEqual(date);
    expect(lstatSync(join(target, 'b')).mtime).toEqual(date);
  });

  test('files written from sources are those made in memory', async () => {
    const contents = ['', 'short', 'z'.repeat(2048), 'y'.repeat(3_000_000)];
    const inMemory: MediumEntry[] = [];
    const fromSources: MediumEntry[] = [];
    for (const [index, text] of contents.entries()) {
      const source = join(folder, `source-${index}`);
      writeFileSync(source, text);
      inMemory.push(file(`f${index}`, text));
      fromSources.push({ kind: 'file', path: `f${index}`, content: { source, size: text.length } });
    }
    const path = join(folder, 'streamed.iso');
    const { size } = await writeIso(path, fromSources, options);
    const image = isoBytes(inMemory, options);
    expect(size).toBe(image.length);
    expect(readFileSync(path).equals(image)).toBe(true);
    expect(() => isoBytes(fromSources, options)).toThrow(TypeError);
  });
});

describe('errors', () => {
  const messageOf = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      if (error instanceof GvaError && error.code === 'MEDIUM_ENTRY') return error.message;
      throw error;
    }
    throw new Error('nothing was thrown');
  };

  test('one error names everything that is wrong', () => {
    const entries: MediumEntry[] = [
      file(''),
      file('/absolute'),
      file('a//b'),
      file('a/'),
      file('./c'),
      file('a/../b'),
      file('nul\0'),
      file('lone \ud800 surrogate'),
      file('n'.repeat(256)),
      file('m'.repeat(254)),
      file('twice'),
      file('twice'),
      file('twice/below'),
      { kind: 'directory', path: 'both' },
      file('both'),
      { kind: 'symlink', path: 'empty link', target: '' },
      { kind: 'symlink', path: 'nul link', target: 'a\0' },
      { kind: 'symlink', path: 'long link', target: 't'.repeat(4096) },
      { kind: 'file', path: 'huge', content: { source: 'huge', size: 2 ** 32 } },
      { kind: 'file', path: 'no size', content: { source: 'huge', size: NaN } },
      file('good'),
    ];
    const message = messageOf(() => isoBytes(entries, { volumeId: 'Ü', date: new Date(NaN) }));
    expect(message.replaceAll(/([nm])\1{200,}/g, '$1…')).toMatchInlineSnapshot(`
      "cannot make the ISO 9660 medium:
        the volume identifier "Ü" must have 1 to 32 printable ASCII characters
        the year of the date must be from 1900 to 2155
        "": the path is empty
        "/absolute": the path is absolute
        "a//b": the path has an empty component
        "a/": the path has an empty component
        "./c": the path has a component "." or ".."
        "a/../b": the path has a component "." or ".."
        "nul\\u0000": the path contains a NUL character
        "lone \\ud800 surrogate": the path is not well-formed Unicode
        "n…": a name is longer than 255 bytes
        "twice": the path is there more than once
        "twice/below": "twice" is not a directory
        "both": the path is both a directory and a file
        "empty link": the target of the symbolic link is empty
        "nul link": the target of the symbolic link contains a NUL character
        "no size": the size NaN is no size
        "m…": the name is longer than 253 bytes, which Linux would cut on an ISO 9660 medium
        "long link": the target of the symbolic link is longer than 4095 bytes
        "huge": 4294967296 bytes are more than a file on an ISO 9660 medium can have (4 GiB - 1)"
    `);
  });

  test('a source that is missing, no file, or of another size is named, and nothing is left behind', async () => {
    const place = join(folder, 'broken');
    mkdirSync(place);
    const path = join(place, 'medium.iso');
    writeFileSync(path, 'as it was');
    const source = join(folder, 'source');
    writeFileSync(source, 'twelve bytes');
    const pipe = join(folder, 'pipe');
    execFileSync(requireTool('mkfifo'), [pipe]);
    const cases: [source: string, size: number, reason: RegExp][] = [
      [join(folder, 'missing'), 12, /ENOENT/],
      [folder, 12, /not a regular file/],
      [pipe, 12, /not a regular file/],
      [source, 11, /larger than the announced 11 bytes/],
      [source, 0, /larger than the announced 0 bytes/],
      [source, 13, /has 12 bytes, 13 were announced/],
    ];
    for (const [each, size, reason] of cases) {
      const entries: MediumEntry[] = [{ kind: 'file', path: 'f', content: { source: each, size } }];
      const error = await writeIso(path, entries, options).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(GvaError);
      expect(error).toMatchObject({ code: 'MEDIUM_SOURCE' });
      expect((error as GvaError).message).toContain(each);
      expect((error as GvaError).message).toMatch(reason);
    }
    expect(readdirSync(place)).toEqual(['medium.iso']);
    expect(readFileSync(path, 'utf8')).toBe('as it was');
  });
});
