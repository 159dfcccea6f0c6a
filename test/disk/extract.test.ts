import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openExt4 } from '../../src/disk/ext4/index.js';
import { extractTree } from '../../src/disk/extract.js';
import { openRaw } from '../../src/disk/source.js';
import { contentsOf, imageOf, makeImage, plant, run, scratch, type Plant } from './ext4-fixture.js';
import {
  directory,
  extracted,
  extractedImage,
  FakeTree,
  file,
  link,
  type FakeNode,
} from './extract-fixture.js';

describe('an honest tree', () => {
  const plants: Record<string, Plant> = {
    'results/one.csv': { file: '1,2\n', mode: 0o640, mtime: 1_200_000_000 },
    'results/secret': { file: 'x', mode: 0o400 },
    'results/latest': { symlink: 'one.csv' },
    'results/up': { symlink: '../results/./one.csv' },
    'results/dangling': { symlink: 'no/where' },
    empty: { directory: true, mode: 0o555 },
    '.gva/status': '0\n',
    same: 'linked',
    'results/same': { hardLink: 'same' },
    'large file': 'block '.repeat(600_000),
  };

  test('comes out as it went in', async () => {
    const folder = scratch();
    plant(join(folder, 'tree'), plants);
    const path = makeImage(join(folder, 'tree'), join(folder, 'image'), { size: 16_384 });
    await using source = await openRaw(path);
    const report = await extractTree(await openExt4(source), join(folder, 'out'));
    const expected = contentsOf(join(folder, 'tree'), { times: true });
    expected.set('empty', expected.get('empty')!.replace('555', '755'));
    expect(contentsOf(join(folder, 'out'), { times: true })).toEqual(expected);
    expect(report).toEqual({
      files: 6,
      directories: 3,
      symlinks: 3,
      bytes: 3_600_013,
      findings: [],
      findingCount: 0,
      truncated: false,
      complete: true,
    });
  });

  test('hard links are one file again', async () => {
    const { target } = await extractedImage(imageOf(plants, { size: 16_384 }));
    expect(statSync(join(target, 'same')).ino).toBe(statSync(join(target, 'results/same')).ino);
  });

  test('holes and unwritten extents stay holes', async () => {
    const folder = scratch();
    plant(join(folder, 'tree'), { holes: { holes: [[100 << 20, 'far']], size: 200 << 20 }, file: 'x' });
    const path = makeImage(join(folder, 'tree'), join(folder, 'image'));
    run('debugfs', ['-w', '-f', '-', path], 'fallocate file 3 2000\nsif file size 2000000\n');
    const { target, report } = await extractedImage(readFileSync(path));
    expect(statSync(join(target, 'holes'))).toMatchObject({ size: 200 << 20 });
    expect(statSync(join(target, 'file'))).toMatchObject({ size: 2_000_000 });
    expect(statSync(join(target, 'holes')).blocks).toBeLessThan(64);
    expect(statSync(join(target, 'file')).blocks).toBeLessThan(64);
    expect(report).toMatchObject({ findings: [], bytes: 2048 });
  });

  test('lost+found is left out only when it is empty', async () => {
    const image = { lost: 'x' };
    expect([...(await extractedImage(imageOf(image))).found.keys()]).toEqual(['lost']);
    const found = { 'lost+found/#12': 'x', 'd/lost+found': { directory: true } } as const;
    expect([...(await extractedImage(imageOf(found))).found.keys()]).toEqual([
      'd',
      'd/lost+found',
      'lost+found',
      'lost+found/#12',
    ]);
  });

  test('skip and from choose a part', async () => {
    const image = imageOf(plants, { size: 16_384 });
    const { found, findings } = await extractedImage(image, { skip: (name) => name !== '.gva' });
    expect([...found.keys()]).toEqual(['.gva', '.gva/status']);
    expect(findings).toEqual([]);
    expect([...(await extractedImage(image, { from: '/.gva/' })).found.keys()]).toEqual(['status']);
    await expect(extractedImage(image, { from: 'same' })).rejects.toMatchObject({ code: 'EXTRACT_FROM' });
    await expect(extractedImage(image, { from: 'nothing' })).rejects.toMatchObject({ code: 'EXTRACT_FROM' });
  });
});

describe('the target', () => {
  const tree = () => new FakeTree(directory(['file', file('x')]));
  const refused = { code: 'EXTRACT_TARGET' };

  test('may be an empty directory', async () => {
    const target = scratch();
    chmodSync(target, 0o750);
    await extractTree(tree(), target);
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('x');
    expect(statSync(target).mode & 0o777).toBe(0o750);
  });

  test('is refused when it is not empty, no directory, or a symbolic link', async () => {
    const folder = scratch();
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'empty'));
    symlinkSync('empty', join(folder, 'link'));
    await expect(extractTree(tree(), folder)).rejects.toMatchObject(refused);
    await expect(extractTree(tree(), join(folder, 'file'))).rejects.toMatchObject(refused);
    await expect(extractTree(tree(), join(folder, 'link'))).rejects.toMatchObject(refused);
    await expect(extractTree(tree(), join(folder, 'file', 'x'))).rejects.toMatchObject(refused);
  });
});

describe('names', () => {
  test('that are unsafe are replaced, and their contents kept', async () => {
    const names = ['', '.', '..', '../evil', '/etc/passwd', 'a/b', 'nul\0nul', 'dir/'];
    const tree = new FakeTree(
      directory(...names.map((name, at): [string, FakeNode] => [name, file(`${at}`)]), [
        '../dir',
        directory(['in', file('side')]),
      ]),
    );
    const { found, report } = await extracted(tree);
    expect([...found.keys()].toSorted()).toEqual(
      [
        ...['~1', '.~2', '..~3', '.._evil~4', '_etc_passwd~5', 'a_b~6', 'nul_nul~7', 'dir_~8'],
        ...['.._dir~9', '.._dir~9/in'],
      ].toSorted(),
    );
    expect(found.get('.._evil~4')).toBe('file 755 1 3');
    expect(report.findingCount).toBe(9);
    expect(report.findings[3]).toEqual({
      code: 'NAME_UNSAFE',
      path: '..\\x2fevil',
      message: 'saved as .._evil~4',
    });
  });

  test('that occur twice: the first keeps it, whatever the kinds', async () => {
    const { found, findings } = await extracted(
      new FakeTree(
        directory(
          ['a', file('first')],
          ['a', file('second')],
          ['a', directory(['inside', file('third')])],
          ['d', directory()],
          ['d', file('fourth')],
          ['a~1', file('honest')],
          ['l', link('/etc')],
          ['l', directory(['passwd', file('not through the link')])],
          ['l', link('a')],
          ['m', link('a')],
          ['m', link('d')],
        ),
      ),
    );
    expect(Object.fromEntries(found)).toEqual({
      a: 'file 755 5 first',
      'a~1': 'file 755 6 honest',
      'a~2': 'file 755 6 second',
      'a~3': 'directory 755',
      'a~3/inside': 'file 755 5 third',
      d: 'directory 755',
      'd~4': 'file 755 6 fourth',
      l: 'directory 755',
      'l/passwd': 'file 755 20 not through the link',
      'l~1': 'link to a',
      m: 'link to a',
      'm~1': 'link to d',
    });
    const twice = ['a', 'a', 'd'].map((name) => `NAME_DUPLICATE ${name}`);
    expect(findings).toEqual([...twice, 'SYMLINK_ESCAPE l', 'NAME_DUPLICATE l', 'NAME_DUPLICATE m']);
  });

  test('that are no UTF-8 keep their bytes', async () => {
    const { found, findings } = await extracted(
      new FakeTree(directory(['caf\xe9', file('x')], ['\x1b[2J', file('')])),
    );
    expect([...found.keys()]).toEqual(['\x1b[2J', 'caf\xe9']);
    expect(findings).toEqual(['NAME_ENCODING caf\\xe9']);
  });

  test('that the host cannot store are skipped', async () => {
    const long = 'n'.repeat(255);
    let deep = directory();
    for (let level = 0; level < 20; level += 1) deep = directory([long, deep], ['beside', file('x')]);
    const { report, findings } = await extracted(
      new FakeTree(directory(['x'.repeat(256), file('x')], ['d', deep])),
    );
    expect(findings.map((finding) => finding.slice(0, 9))).toEqual(['NAME_HOST', 'NAME_HOST']);
    expect(report).toMatchObject({ truncated: true });
    expect(report.directories).toBeGreaterThan(10);
  });

  test('thousands of bad ones in one directory are not a way to make it slow', async () => {
    const entries = Array.from({ length: 3000 }, (_, at): [string, FakeNode] => ['same', file(`${at}`)]);
    const { report, found } = await extracted(new FakeTree(directory(...entries)));
    expect(found.size).toBe(1001);
    expect(report.findingCount).toBe(2999);
    expect(report.findings.length).toBe(1000);
  });
});

describe('symbolic links', () => {
  test.each<[target: string, place: string[], code: string | undefined]>([
    ['file', [], undefined],
    ['./d/../file', [], undefined],
    ['../file', ['d'], undefined],
    ['../../d/e/.././x', ['d', 'e'], undefined],
    ['nowhere/at/all', ['d'], undefined],
    ['loop', [], undefined],
    ['/', [], 'SYMLINK_ESCAPE'],
    ['/etc/passwd', ['d'], 'SYMLINK_ESCAPE'],
    ['..', [], 'SYMLINK_ESCAPE'],
    ['../..', ['d'], 'SYMLINK_ESCAPE'],
    ['d/../../x', [], 'SYMLINK_ESCAPE'],
    ['./.././d', [], 'SYMLINK_ESCAPE'],
    // through another link: `inside` leads to d/e, so `inside/../..` is the top, but `inside/../../..` is not
    ['inside/../../../x', [], 'SYMLINK_ESCAPE'],
    ['inside/../x', [], 'SYMLINK_ESCAPE'],
    // `up` leads from d/e to the top
    ['up/..', ['d', 'e'], 'SYMLINK_ESCAPE'],
    ['file/../../x', ['d'], 'SYMLINK_ESCAPE'],
    ['nowhere/../x', [], 'SYMLINK_ESCAPE'],
    ['', [], 'SYMLINK_INVALID'],
    ['x\0y', [], 'SYMLINK_INVALID'],
    ['y/'.repeat(2048), [], 'SYMLINK_INVALID'],
    [`${'d/../'.repeat(100)}file`, [], 'SYMLINK_ESCAPE'],
    ['n'.repeat(4000), [], undefined],
  ])('to "%.60s" in %j: %s', async (target, place, code) => {
    const own: [string, FakeNode] = ['loop', link(target)];
    const at = (...names: string[]): [string, FakeNode][] => (names.join() === place.join() ? [own] : []);
    const e = directory(['up', link('../..')], ...at('d', 'e'));
    const d = directory(['e', e], ...at('d'));
    const tree = directory(['d', d], ['file', file('x')], ['inside', link('d/e')], ...at());
    const { found, findings } = await extracted(new FakeTree(tree));
    const path = [...place, 'loop'].join('/');
    expect(findings).toEqual(code === undefined ? [] : [`${code} ${path}`]);
    expect(found.get(path)).toBe(code === undefined ? `link to ${target}` : undefined);
  });

  test('nothing is written through one, whatever the order', async () => {
    const inner = directory(['file', file('x')]);
    const { found } = await extracted(
      new FakeTree(directory(['l', link('d')], ['d', directory()], ['l', inner])),
    );
    expect([...found.keys()]).toEqual(['d', 'l', 'l/file', 'l~1']);
  });
});

describe('kinds and attributes', () => {
  test('special files are skipped', async () => {
    const kinds = ['character', 'block', 'fifo', 'socket', 'unknown'] as const;
    const entries = kinds.map((kind): [string, FakeNode] => [kind, { kind }]);
    const { found, findings } = await extracted(new FakeTree(directory(...entries)));
    expect(found.size).toBe(0);
    expect(findings).toEqual(kinds.map((kind) => `SPECIAL_FILE ${kind}`));
  });

  test('set-uid, set-gid and sticky bits are removed', async () => {
    const { found, findings } = await extracted(
      new FakeTree(
        directory(
          ['file', file('x', { permissions: 0o6755 })],
          ['d', { kind: 'directory', permissions: 0o1000 }],
          ['plain', file('', { permissions: 0o404 })],
        ),
      ),
    );
    expect(Object.fromEntries(found)).toEqual({
      d: 'directory 700',
      file: 'file 755 1 x',
      plain: 'file 404 0 ',
    });
    expect(findings).toEqual(['MODE_STRIPPED file', 'MODE_STRIPPED d']);
  });

  test('times before 1970 and far ahead', async () => {
    const times = [-86_400, 0, 2 ** 33];
    const entries = times.map((mtime): [string, FakeNode] => [`${mtime}`, file('', { mtime })]);
    const { target } = await extracted(
      new FakeTree(directory(...entries, ['l', { ...link('x'), mtime: 77 }])),
    );
    for (const time of times) expect(lstatSync(join(target, `${time}`)).mtimeMs / 1000).toBe(time);
    expect(lstatSync(join(target, 'l')).mtimeMs).toBe(77_000);
  });

  test('an inode with more names than it claims is copied', async () => {
    const one = file('x');
    const two = file('y', { links: 2 });
    const tree = directory(['a', one], ['b', one], ['c', two], ['d', two], ['e', two]);
    const { target, findings, report } = await extracted(new FakeTree(tree));
    expect(findings).toEqual(['HARD_LINK b']);
    const inode = (name: string) => statSync(join(target, name)).ino;
    expect(inode('a')).not.toBe(inode('b'));
    expect([inode('d'), inode('e')]).toEqual([inode('c'), inode('c')]);
    expect(report).toMatchObject({ files: 5, bytes: 3 });
  });
});

describe('shape', () => {
  test('a directory is entered once, whatever its names and parents', async () => {
    const root: FakeNode = { kind: 'directory' };
    const shared = directory(['file', file('x')], ['root', root]);
    const loop: FakeNode = { kind: 'directory' };
    loop.entries = [['again', loop]];
    root.entries = [['a', shared], ['b', shared], ['loop', loop]]; // prettier-ignore
    const { found, findings } = await extracted(new FakeTree(root));
    expect([...found.keys()]).toEqual(['a', 'a/file', 'loop']);
    expect(findings).toEqual(['DIRECTORY_LOOP a/root', 'DIRECTORY_LOOP b', 'DIRECTORY_LOOP loop/again']);
  });
});

test('whatever the tree, everything stays inside and no link leads out', { timeout: 30_000 }, async () => {
  const name = fc.constantFrom('a', 'b', 'c', '..', '.', '', '../a', 'a/b', 'a~1', '\0', '\xff', '/');
  const target = fc.array(fc.constantFrom('..', 'a', 'b', 'c', '.', ''), { minLength: 1, maxLength: 6 });
  const { node } = fc.letrec<{ node: FakeNode; entries: [string, FakeNode][] }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      target.map((parts) => link(parts.join('/'))),
      fc.constant(file('data')),
      fc.constantFrom<FakeNode>({ kind: 'fifo' }, { kind: 'directory' }),
      tie('entries').map((entries) => directory(...entries)),
    ),
    entries: fc.array(fc.tuple(name, tie('node')), { maxLength: 8 }),
  }));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, node), { maxLength: 8 }), async (entries) => {
      const { target: top, found } = await extracted(new FakeTree(directory(...entries)));
      for (const path of found.keys()) {
        const resolved = whereTo(join(top, path));
        expect(resolved === undefined || `${resolved}/`.startsWith(`${whereTo(top)}/`)).toBe(true);
      }
    }),
    { seed: 1886, numRuns: 300 },
  );
});

/** Where a path of the host leads in the end; undefined where it leads to nothing or in circles. */
function whereTo(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
