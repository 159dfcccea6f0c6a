import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openPackage, type PackageFiles } from '../../src/ovf/package.js';
import { concatenated, rangeOf } from '../../src/ovf/package/block-sources.js';
import { checkReferences, openReference, type Reference } from '../../src/ovf/references.js';
import { MemorySource, plant, scratch } from '../disk/ext4-fixture.js';
import { tarBytes } from './tar-fixture.js';

const content = Buffer.from('the disk that is cut into pieces');
const pieces = (bytes: Buffer, size: number, name = 'd.vmdk') =>
  Object.fromEntries(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => [
      `${name}.${String(n).padStart(9, '0')}`,
      bytes.subarray(n * size, (n + 1) * size),
    ]),
  );

/** The package of these files, as an archive and as a folder. */
async function packages(files: Record<string, Buffer>): Promise<PackageFiles[]> {
  const folder = scratch();
  const all = { 'x.ovf': Buffer.from('<Envelope/>'), ...files };
  plant(join(folder, 'x'), Object.fromEntries(Object.entries(all).map(([name, file]) => [name, { file }])));
  const members = Object.entries(all).map(([name, each]) => ({ name, content: each }));
  writeFileSync(join(folder, 'x.ova'), tarBytes(members));
  return [await openPackage(join(folder, 'x.ova')), await openPackage(join(folder, 'x'))];
}

const reference = (file: Partial<Reference>): Reference => ({
  href: 'd.vmdk',
  compression: 'identity',
  ...file,
});

async function read(pkg: PackageFiles, file: Partial<Reference>, expandTo = 'never'): Promise<string> {
  await using source = await openReference(pkg, reference(file), { expandTo });
  return (await source.read(0, source.size)).toString();
}

describe('what is opened', () => {
  test.each<[string, Record<string, Buffer>, Partial<Reference>]>([
    ['a member', { 'd.vmdk': content }, {}],
    ['a member below', { 'disks/d.vmdk': content }, { href: './disks//d.vmdk' }],
    ['pieces', pieces(content, 5), { chunkSize: 5 }],
    ['pieces whose size is known', pieces(content, 5), { chunkSize: 5, size: content.length }],
    ['pieces without a rest', pieces(content, 8), { chunkSize: 8 }],
    ['one piece', pieces(content, 100), { chunkSize: 100 }],
    ['pieces that are announced only', { 'd.vmdk': content }, { chunkSize: 5 }],
    ['gzip', { 'd.vmdk': gzipSync(content) }, { compression: 'gzip' }],
    ['pieces of gzip', pieces(gzipSync(content), 7), { compression: 'gzip', chunkSize: 7 }],
  ])('%s', async (_, files, file) => {
    const folder = scratch();
    for (const [n, each] of (await packages(files)).entries()) {
      await using pkg = each;
      expect(await read(pkg, file, join(folder, String(n)))).toBe(content.toString());
      expect(existsSync(join(folder, String(n)))).toBe(file.compression === 'gzip');
      const { names, problems } = await checkReferences(pkg, [reference(file)]);
      expect(names.toSorted()).toEqual(Object.keys(files).toSorted());
      expect(problems).toEqual([]);
    }
  });

  test('gzip is expanded once', async () => {
    const expandTo = join(scratch(), 'disk');
    for (const each of await packages({ 'd.vmdk': gzipSync(content) })) {
      await using pkg = each;
      expect(await read(pkg, { compression: 'gzip' }, expandTo)).toBe(content.toString());
      truncateSync(expandTo, 3);
      expect(await read(pkg, { compression: 'gzip' }, expandTo)).toBe('the');
      writeFileSync(expandTo, content);
    }
  });
});

describe('refused', () => {
  const gap = { ...pieces(content, 5) };
  delete gap['d.vmdk.000000002'];
  const long = { ...pieces(content, 5), 'd.vmdk.000000001': Buffer.alloc(6) };
  const tail = { ...pieces(content, 8), 'd.vmdk.000000004': Buffer.alloc(0) };

  test.each<[string, Record<string, Buffer>, Partial<Reference>, RegExp]>([
    ['an http URL', {}, { href: 'http://example.org/d.vmdk' }, /"http:.*it is a URL \(http:\)/],
    ['an https URL', {}, { href: 'https://example.org/d.vmdk' }, /URL \(https:\)/],
    ['a file URL', {}, { href: 'file:///etc/passwd' }, /URL \(file:\)/],
    ['a drive', {}, { href: 'C:\\d.vmdk' }, /URL \(C:\)/],
    ['an absolute path', {}, { href: '/etc/passwd' }, /absolute/],
    ['a path that leads out', {}, { href: '../../../vmdk/valid_disk.vmdk' }, /leads out/],
    ['a backslash', {}, { href: '\\\\server\\d.vmdk' }, /backslash/],
    ['nothing', {}, { href: '' }, /no name/],
    ['what is missing', {}, {}, /no such member/],
    ['missing pieces', {}, { chunkSize: 5 }, /neither it nor pieces/],
    ['a gap', gap, { chunkSize: 5 }, /piece 2 is missing/],
    ['a piece that is too long', long, { chunkSize: 5 }, /piece 1 has 6 bytes/],
    ['an empty last piece', tail, { chunkSize: 8 }, /piece 4 has 0 bytes/],
    ['another size in sum', pieces(content, 5), { chunkSize: 5, size: 30 }, /32 bytes in sum, .* says 30/],
    ['pieces of no size', pieces(content, 5), { chunkSize: 0 }, /pieces of 0 bytes/],
    ['pieces of less', pieces(content, 5), { chunkSize: -1 }, /pieces of -1 bytes/],
    ['pieces of endless size', pieces(content, 5), { chunkSize: Infinity }, /pieces of Infinity/],
  ])('%s', async (_, files, file, message) => {
    for (const each of await packages(files)) {
      await using pkg = each;
      const code = 'PACKAGE_HREF';
      await expect(read(pkg, file)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string }); // prettier-ignore
      expect(await checkReferences(pkg, [reference(file)])).toEqual({
        names: [],
        problems: [{ severity: 'error', place: 'x.ovf', message: expect.stringMatching(message) as string }],
      });
    }
  });

  test('bombs, and what is no gzip', async () => {
    const folder = scratch();
    const path = join(folder, 'x.ova');
    const files = [
      { name: 'x.ovf' },
      { name: 'd.vmdk', content: gzipSync(Buffer.alloc(5 << 20)) },
      { name: 'e.vmdk', content: 'no gzip' },
      ...Array.from({ length: 20 }, (_, n) => ({ name: `f.${String(n).padStart(9, '0')}`, content: 'f' })),
    ];
    writeFileSync(path, tarBytes(files));
    await using pkg = await openPackage(path, { limits: { inflated: 1 << 20 } });
    const into = join(folder, 'into');
    await expect(read(pkg, { compression: 'gzip' }, into)).rejects.toMatchObject({
      code: 'PACKAGE_LIMIT',
      message: 'the file "d.vmdk" expands to more than 1 MiB',
    });
    const other = read(pkg, { compression: 'gzip', href: 'e.vmdk' }, into);
    await expect(other).rejects.toMatchObject({ code: 'PACKAGE_CORRUPT' });
    expect(existsSync(into)).toBe(false);
    const few = { ...pkg, limits: { ...pkg.limits, members: 10 } };
    await expect(read(few, { href: 'f', chunkSize: 1 })).rejects.toMatchObject({ code: 'PACKAGE_LIMIT' });
  });
});

test('a size other than announced is a warning', async () => {
  for (const each of await packages({ 'd.vmdk': content })) {
    await using pkg = each;
    expect(await checkReferences(pkg, [reference({ size: 2 ** 63 })])).toEqual({
      names: ['d.vmdk'],
      problems: [{ severity: 'warning', place: 'd.vmdk', message: `it has 32 bytes, the descriptor says ${2 ** 63}` }], // prettier-ignore
    });
  }
});

test('any part of pieces and ranges reads as it was', async () => {
  const whole = Buffer.from(Array.from({ length: 3000 }, (_, n) => n % 251));
  const cuts = fc.array(fc.nat(3000), { maxLength: 8 });
  const part = fc
    .tuple(fc.nat(3000), fc.nat(3000))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const check = async (at: number[], [from, to]: readonly [number, number]): Promise<void> => {
    const edges = [0, ...at.sort((a, b) => a - b), 3000];
    const memory = new MemorySource(whole);
    const parts = edges.slice(1).map((end, n) => rangeOf(memory, edges[n]!, end - edges[n]!));
    const source = concatenated(parts);
    expect(source.size).toBe(3000);
    const into = Buffer.alloc(3010, 0xaa);
    expect((await source.read(from, to - from)).equals(whole.subarray(from, to))).toBe(true);
    expect((await source.read(from, to - from, into)).equals(whole.subarray(from, to))).toBe(true);
    await expect(source.read(from, 3001 - from)).rejects.toMatchObject({ code: 'IMAGE_RANGE' });
    await source.close();
  };
  await fc.assert(fc.asyncProperty(cuts, part, check), { seed: 2, numRuns: 200 });
});
