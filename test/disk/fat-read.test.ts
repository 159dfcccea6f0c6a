import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fatBytes, openFat, writeFat, type FatOptions, type MediumEntry } from '../../src/disk/fat/index.js';
import { openRaw } from '../../src/disk/source.js';
import { MemorySource, plant, run, scratch } from './ext4-fixture.js';
import { extracted } from './extract-fixture.js';
import { inventoryOf, inventoryOfTree, names, oddCharacters, trees } from './media.js';

const options: FatOptions = { label: 'GVA-FLOPPY' };

describe('our own media', () => {
  const characters = [...oddCharacters.filter((each) => !'"*/:<>?\\|'.includes(each)), '😀'];
  const name = names(characters, 253).map((each) => each.replace(/[. ]$/, '_'));
  const tree = trees(name, { same: (each) => each.toUpperCase() });

  test.each(['floppy', 'fat16', 'fat32'] as const)('random trees come back identical: %s', async (type) => {
    const path = join(scratch(), type);
    await fc.assert(
      fc.asyncProperty(tree, async (entries) => {
        await writeFat(path, entries, { ...options, type });
        await using source = await openRaw(path);
        const fat = await openFat(source);
        expect(fat).toMatchObject({ width: { floppy: 12, fat16: 16, fat32: 32 }[type], label: 'GVA-FLOPPY' });
        expect(await inventoryOfTree(fat, { modes: false })).toEqual({
          inventory: inventoryOf(entries, { modes: false }),
          findings: [],
        });
      }),
      { numRuns: 40 },
    );
  });

  test('thousands of files, deep folders, names of every length, times', async () => {
    const deep = Array.from({ length: 20 }, (_, level) => `level ${level}`).join('/');
    const entries: MediumEntry[] = [{ kind: 'file', path: `${deep}/bottom`, content: Buffer.from('deep') }];
    for (let n = 0; n < 3000; n++)
      entries.push({ kind: 'file', path: `many/a long file name ${n}`, content: Buffer.from(`${n}`) });
    for (let n = 1; n <= 255; n++)
      entries.push({ kind: 'file', path: `names/${'n'.repeat(n)}`, content: Buffer.from(`${n}`) });
    const date = new Date('2024-02-29T23:59:58Z');
    const fat = await openFat(new MemorySource(Buffer.from(fatBytes(entries, { ...options, date }))));
    const { inventory, findings } = await inventoryOfTree(fat, { modes: false });
    expect(findings).toEqual([]);
    expect(inventory).toMatchObject(inventoryOf(entries, { modes: false }));
    for await (const [entry] of fat.readDirectory(fat.root))
      if (entry) expect((await fat.stat(entry.id)).mtime).toBe(date.getTime() / 1000);
  });

  test('a file of some megabytes', async () => {
    const content = Buffer.from('0123456789abcdef'.repeat(300_000));
    const image = Buffer.from(fatBytes([{ kind: 'file', path: 'large', content }], options));
    const { target, report } = await extracted(await openFat(new MemorySource(image)));
    expect(readFileSync(join(target, 'large')).equals(content)).toBe(true);
    expect(report).toMatchObject({ files: 1, bytes: content.length, complete: true, findings: [] });
  });
});

describe('media of mkfs.fat and mtools', () => {
  test.each([
    ['floppy', 12, ['-C', '1440']],
    ['FAT16 with clusters of 2 KiB', 16, ['-F', '16', '-s', '4', '-C', '20000']],
    ['FAT32', 32, ['-F', '32', '-C', '40000']],
    ['FAT16 with sectors of 4 KiB', 16, ['-F', '16', '-S', '4096', '-s', '1', '-C', '40000']],
    ['a single table', 12, ['-f', '1', '-C', '2880']],
  ])('%s', async (_, width, args) => {
    const folder = scratch();
    const image = join(folder, 'image');
    const [size] = args.slice(-1);
    run('mkfs.fat', ['-n', 'FOREIGN', ...args.slice(0, -2), '-C', image, size!]);
    plant(join(folder, 'tree'), {
      'README.TXT': 'upper',
      'lower.txt': 'lower',
      'Mixed Case – é.text': { file: 'long', mtime: 1_200_000_000 },
      'sub/deeper/file': 'x'.repeat(100_000),
      'fragmented/after': 'y'.repeat(50_000),
    });
    const mtools = (tool: string, ...rest: string[]): string => run(tool, ['-i', image, ...rest]);
    process.env['MTOOLSRC'] = '/dev/null';
    process.env['LC_ALL'] = 'C.UTF-8';
    mtools('mcopy', join(folder, 'tree/sub'), '::/', '-s');
    mtools('mcopy', join(folder, 'tree/README.TXT'), join(folder, 'tree/lower.txt'), '::/');
    mtools('mdel', '::/sub/deeper/file'); // its clusters are used again, in pieces
    for (const path of ['Mixed Case – é.text', 'fragmented'])
      mtools('mcopy', '-s', '-m', join(folder, 'tree', path), '::/');
    mtools('mcopy', join(folder, 'tree/sub/deeper/file'), '::/sub/deeper/');
    await using source = await openRaw(image);
    const fat = await openFat(source);
    expect(fat).toMatchObject({ width, label: 'FOREIGN' });
    const { inventory, findings } = await inventoryOfTree(fat, { modes: false });
    expect(findings).toEqual([]);
    expect(inventory).toEqual({
      'README.TXT': 'file upper',
      'lower.txt': 'file lower',
      'Mixed Case – é.text': 'file long',
      sub: 'directory',
      'sub/deeper': 'directory',
      'sub/deeper/file': `file ${'x'.repeat(100_000)}`,
      fragmented: 'directory',
      'fragmented/after': `file ${'y'.repeat(50_000)}`,
    });
  });
});
