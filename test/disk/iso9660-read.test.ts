import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isoBytes, openIso, writeIso, type Iso9660, type MediumEntry } from '../../src/disk/iso9660/index.js';
import { openRaw } from '../../src/disk/source.js';
import { contentsOf, MemorySource, plant, run, scratch, type Plant } from './ext4-fixture.js';
import { extracted } from './extract-fixture.js';
import { inventoryOf, inventoryOfTree, linkTargets, names, oddCharacters, trees } from './media.js';

const options = { volumeId: 'OVF ENV' };
const characters = [...oddCharacters, ...Array.from('*:?\\|<>\n😀')];

const openBytes = (bytes: Uint8Array): Promise<Iso9660> => openIso(new MemorySource(Buffer.from(bytes)));

describe('our own media', () => {
  test('random trees come back identical', async () => {
    const tree = trees(names(characters, 253), { targets: linkTargets(characters, 4095) });
    await fc.assert(
      fc.asyncProperty(tree, async (entries) => {
        const iso = await openBytes(isoBytes(entries, options));
        expect(iso).toMatchObject({ flavour: 'rock-ridge', label: 'OVF ENV' });
        expect(await inventoryOfTree(iso, { modes: true })).toEqual({
          inventory: inventoryOf(entries, { modes: true }),
          findings: [],
        });
      }),
      { numRuns: 150 },
    );
  });

  test('without Rock Ridge, names that Joliet can hold come back identical', async () => {
    const name = names(
      characters.filter((each) => !'*/:;?\\\n'.includes(each)),
      64,
    );
    await fc.assert(
      fc.asyncProperty(trees(name), async (entries) => {
        const iso = await openBytes(withoutRockRidge(isoBytes(entries, options)));
        expect(iso).toMatchObject({ flavour: 'joliet', label: 'OVF ENV' });
        expect(await inventoryOfTree(iso, { modes: false })).toEqual({
          inventory: inventoryOf(entries, { modes: false }),
          findings: [],
        });
      }),
      { numRuns: 50 },
    );
  });

  test('thousands of files, deep folders, targets of every length, times', async () => {
    const deep = Array.from({ length: 40 }, (_, level) => `level ${level}`).join('/');
    const entries: MediumEntry[] = [{ kind: 'file', path: `${deep}/bottom`, content: Buffer.from('deep') }];
    for (let n = 0; n < 2000; n++)
      entries.push({ kind: 'file', path: `many/a long file name ${n}`, content: Buffer.from(`${n}`) });
    for (let length = 1; length < 1500; length += 7) {
      const target = `/${'t'.repeat(Math.min(255, length))}/../${'u/'.repeat(length)}.`;
      entries.push({ kind: 'symlink', path: `links/${length}`, target });
    }
    const date = new Date('2024-02-29T23:59:58Z');
    const iso = await openBytes(isoBytes(entries, { ...options, date }));
    const { inventory, findings } = await inventoryOfTree(iso, { modes: true });
    expect(findings).toEqual([]);
    expect(inventory).toMatchObject(inventoryOf(entries, { modes: true }));
    for await (const [entry] of iso.readDirectory(iso.root))
      expect((await iso.stat(entry!.id)).mtime).toBe(date.getTime() / 1000);
  });

  test('a file of some megabytes, from an image file', async () => {
    const folder = scratch();
    const content = Buffer.from('0123456789abcdef'.repeat(300_000));
    const path = join(folder, 'large.iso');
    await writeIso(path, [{ kind: 'file', path: 'large', content }], options);
    await using source = await openRaw(path);
    const { target, report } = await extracted(await openIso(source));
    expect(readFileSync(join(target, 'large')).equals(content)).toBe(true);
    expect(report).toMatchObject({ files: 1, bytes: content.length, complete: true, findings: [] });
  });
});

/** The same volume as systems see it that do not know of Rock Ridge: without its SP entry. */
function withoutRockRidge(bytes: Uint8Array): Uint8Array {
  const image = Buffer.from(bytes);
  const at = image.readUInt32LE(16 * 2048 + 158) * 2048 + 34;
  expect(image.toString('latin1', at, at + 2)).toBe('SP');
  image.write('XX', at, 'latin1');
  return image;
}

describe('media of xorriso', () => {
  const plants: Record<string, Plant> = {
    'Read Me – long name.txt': { file: 'hello', mode: 0o640, mtime: 1_200_000_000 },
    'sub/script.sh': { file: '#!/bin/sh\n', mode: 0o755 },
    'sub/link': { symlink: '../Read Me – long name.txt' },
    empty: { directory: true },
    'one/two/three/four/five/six/seven/eight/nine/ten': 'deep',
    twin: { hardLink: 'sub/script.sh' },
    large: 'block '.repeat(300_000),
  };

  function made(...args: string[]): { image: string; tree: string } {
    const folder = scratch();
    const tree = join(folder, 'tree');
    plant(tree, plants);
    const image = join(folder, 'image.iso');
    run('xorriso', ['-as', 'mkisofs', '-quiet', '-V', 'FOREIGN', '-o', image, ...args, tree]);
    return { image, tree };
  }

  test('Rock Ridge, with hard links and times', async () => {
    const { image, tree } = made('-R', '-J', '--hardlinks');
    await using source = await openRaw(image);
    const iso = await openIso(source);
    expect(iso).toMatchObject({ flavour: 'rock-ridge', label: 'FOREIGN' });
    const { target, findings } = await extracted(iso);
    expect(findings).toEqual([]);
    expect(contentsOf(target, { times: true })).toEqual(contentsOf(tree, { times: true }));
  });

  test('Rock Ridge with relocated directories', async () => {
    const folder = scratch();
    plant(join(folder, 'tree'), plants);
    const path = join(folder, 'relocated.iso');
    const relocating = ['-compliance', 'deep_paths_off:rec_mtime', '-rr_reloc_dir', 'rr_moved'];
    run('xorriso', ['-outdev', path, ...relocating, '-map', join(folder, 'tree'), '/', '-commit']);
    await using source = await openRaw(path);
    const { found, findings } = await extracted(await openIso(source));
    expect(findings).toEqual([]);
    expect([...found]).toEqual([...contentsOf(join(folder, 'tree'))]);
    expect(readFileSync(path).includes('CL\x0c\x01')).toBe(true);
  });

  test('Joliet only', async () => {
    const { image } = made('-J', '--norock');
    await using source = await openRaw(image);
    const iso = await openIso(source);
    expect(iso.flavour).toBe('joliet');
    const { found, findings } = await extracted(iso);
    expect(findings).toEqual([]);
    expect(found.get(Buffer.from('Read Me – long name.txt').toString('latin1'))).toBe('file 644 5 hello');
    expect(found.get('sub/script.sh')).toBe('file 644 10 #!/bin/sh\n');
  });

  test('plain', async () => {
    const { image } = made('--norock', '-iso-level', '3');
    await using source = await openRaw(image);
    const iso = await openIso(source);
    expect(iso.flavour).toBe('plain');
    const { found, findings } = await extracted(iso);
    expect(findings).toEqual([]);
    expect(found.get('sub/script.sh')).toBe('file 644 10 #!/bin/sh\n');
    expect([...found.keys()]).toContain('one/two/three/four/five/six/seven/eight/nine/ten');
    expect(found.get('twin')).toBe('file 644 10 #!/bin/sh\n');
  });

  test.each([['--norock'], ['--norock', '-J'], ['-R'], ['-R', '--hardlinks']])(
    'links that are stored once: %s',
    async (...args) => {
      const folder = scratch();
      const names = Array.from({ length: 8 }, (_, n) => [`tree/l${n}`, { hardLink: 'tree/a' }] as const);
      plant(folder, { 'tree/a': 'block '.repeat(300_000), ...Object.fromEntries(names) });
      const image = join(folder, 'image.iso');
      run('xorriso', ['-as', 'mkisofs', '-quiet', '-o', image, ...args, join(folder, 'tree')]);
      await using source = await openRaw(image);
      const { report } = await extracted(await openIso(source));
      expect(report).toMatchObject({ files: 9, bytes: 1_800_000, complete: true, findingCount: 0 });
    },
  );
});
