import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyLayer } from '../../../src/base/oci/apply-layer.js';
import { ImageTree } from '../../../src/base/oci/image-tree.js';
import { textAt } from '../../../src/base/oci/root-tree.js';
import { temporaryFolder } from '../../support/gva.js';
import { type LayerMember, tarOf } from '../../support/oci-layout.js';

/** The tree that layers make, as it is looked at while their files are there. */
async function treeOf<T>(
  layers: readonly (readonly LayerMember[] | Buffer)[],
  look: (tree: ImageTree) => Promise<T> | T,
): Promise<T> {
  await using folder = await temporaryFolder();
  const tree = new ImageTree();
  for (const [number, layer] of layers.entries()) {
    const file = join(folder.path, `layer-${number}`);
    await writeFile(file, Buffer.isBuffer(layer) ? layer : tarOf(layer));
    await applyLayer(tree, file);
  }
  return await look(tree);
}

const paths = (tree: ImageTree) => [...tree.list()].map(([path]) => path).sort();
const pathsOf = (...layers: LayerMember[][]) => treeOf(layers, paths);
const problemOf = (...layers: (LayerMember[] | Buffer)[]) =>
  treeOf(layers, paths).then(
    () => 'none',
    (error: unknown) => String(error),
  );

describe('layers of a container image', () => {
  it('lie one over the other; files keep owners, modes and attributes', async () => {
    const long = `${'deep/'.repeat(30)}file`;
    await treeOf(
      [
        [
          { path: './etc/', type: '5', mode: 0o750, owner: [0, 42] },
          { path: 'etc/motd', content: 'first' },
          {
            path: 'bin/su',
            content: 'su',
            mode: 0o4755,
            xattrs: { 'security.capability': 'x', 'security.selinux': 'y' },
          },
          { path: long, content: 'deep' },
        ],
        [{ path: '/etc/motd', content: 'second', owner: [1000, 100] }],
      ],
      async (tree) => {
        expect(await textAt(tree, 'etc/motd')).toBe('second');
        expect(await textAt(tree, long)).toBe('deep');
        expect(tree.find('etc')).toMatchObject({ permissions: 0o750, gid: 42 });
        expect(tree.find('etc/motd')).toMatchObject({ uid: 1000, gid: 100 });
        expect(tree.find('bin/su')).toMatchObject({
          permissions: 0o4755,
          xattrs: new Map([['security.capability', Buffer.from('x')]]),
        });
      },
    );
  });

  it('take away what is below them, and nothing of their own, whatever the order', async () => {
    const below = [
      { path: 'a/one', content: '1' },
      { path: 'a/two', content: '2' },
      { path: 'b/old/file', content: '3' },
      { path: 'c', content: '4' },
    ];
    expect(
      await pathsOf(below, [
        { path: 'a/.wh.one' },
        { path: 'b/new', content: 'new' },
        { path: 'b/.wh..wh..opq' },
        { path: '.wh.c' },
        { path: 'c', content: 'again' },
        { path: '.wh..wh.plnk', type: '5' },
        { path: '.wh.never-there' },
      ]),
    ).toEqual(['a', 'a/two', 'b', 'b/new', 'c']);
  });

  it('have two names for one file, also for one of a layer below', async () => {
    await treeOf(
      [[{ path: 'a', content: 'both' }], [{ path: 'b/c', type: '1', target: './a' }]],
      async (tree) => {
        expect(await textAt(tree, 'b/c')).toBe('both');
        expect(tree.find('a')).toBe(tree.find('b/c'));
      },
    );
    await treeOf(
      [
        [
          { path: 'a', content: 'x' },
          { path: 'b', type: '1', target: 'a' },
        ],
      ],
      (tree) => {
        expect(tree.find('a')).toBe(tree.find('b'));
      },
    );
  });

  it('write through links to folders, and a folder takes the place of a link', async () => {
    const linked = [
      { path: 'usr/bin', type: '5' },
      { path: 'bin', type: '2', target: 'usr/bin' },
      { path: 'abs', type: '2', target: '/usr/bin' },
    ];
    expect(await pathsOf(linked, [{ path: 'bin/sh' }, { path: 'abs/ls' }])).toEqual([
      ...['abs', 'bin', 'usr', 'usr/bin', 'usr/bin/ls', 'usr/bin/sh'],
    ]);
    expect(await pathsOf(linked, [{ path: 'bin', type: '5' }, { path: 'bin/sh' }])).toContain('bin/sh');
  });

  it("have no devices: those are the kernel's", async () => {
    expect(
      await pathsOf([{ path: 'dev/null', type: '3' }, { path: 'pipe', type: '6' }, { path: 'x' }]),
    ).toEqual(['x']);
  });
});

describe('a hostile layer', () => {
  it('leads nowhere out of the image by links', async () => {
    expect(
      await pathsOf([
        { path: 'up', type: '2', target: '../../../../../../etc' },
        { path: 'up/passwd', content: 'evil' },
        { path: 'root', type: '2', target: '/' },
        { path: 'root/x' },
      ]),
    ).toEqual(['etc', 'etc/passwd', 'root', 'up', 'x']);
  });

  it.each([
    ['a path that leads upwards', [{ path: '../x' }], 'leads upwards'],
    ['such a path inside', [{ path: 'a/../../x' }], 'leads upwards'],
    ['a whiteout that leads upwards', [{ path: 'a/../.wh.x' }], 'leads upwards'],
    ['a whiteout of nothing', [{ path: 'a/.wh.' }], 'names nothing'],
    ['a whiteout of the folder above', [{ path: 'a/.wh...' }], 'names nothing'],
    [
      'links in a circle',
      [{ path: 'a', type: '2', target: 'b' }, { path: 'b', type: '2', target: 'a' }, { path: 'a/x' }],
      'too many symbolic links',
    ],
    ['a second name of nothing', [{ path: 'a', type: '1', target: 'b' }], 'which is not there'],
    [
      'a second name of a folder',
      [
        { path: 'b', type: '5' },
        { path: 'a', type: '1', target: 'b' },
      ],
      'of the folder',
    ],
    [
      'a second name of something outside',
      [{ path: 'a', type: '1', target: '../../etc/passwd' }],
      'leads upwards',
    ],
    ['a name that is too long', [{ path: `a/${'x'.repeat(256)}` }], 'too long'],
    ['a path that is too long', [{ path: 'x/'.repeat(2000) }], 'too long'],
    ['a link to nothing', [{ path: 'a', type: '2', target: '' }], 'leads nowhere'],
    ['an unknown kind of member', [{ path: 'a', type: 'Z' }], 'unknown type'],
    ['a sparse member', [{ path: 'a', xattrs: {}, type: 'S' }], 'not read here'],
  ] as [string, LayerMember[], string][])('with %s is refused', async (_name, members, problem) => {
    expect(await problemOf(members)).toContain(problem);
  });

  it('that is cut off, or no archive, or has names that are no text, is refused', async () => {
    const whole = tarOf([{ path: 'a', content: 'x'.repeat(2000) }]);
    expect(await problemOf(whole.subarray(0, 1024))).toContain('cut off');
    expect(await problemOf(Buffer.alloc(1024, 'x'))).toContain('wrong checksum');
    const bytes = tarOf([{ path: 'aZa' }]);
    bytes[1] = 0xff;
    bytes.write(
      (Number.parseInt(bytes.toString('latin1', 148, 154), 8) + 0xff - 0x5a).toString(8).padStart(6, '0'),
      148,
    );
    expect(await problemOf(bytes)).toContain('not UTF-8');
  });
});
