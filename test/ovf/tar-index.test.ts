import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRaw } from '../../src/disk/source.js';
import { indexTar } from '../../src/ovf/tar/read-index.js';
import { MemorySource, run, scratch } from '../disk/ext4-fixture.js';
import { base256, memberBytes, pax, tarBytes, type RawMember } from './tar-fixture.js';

const limits = { members: 1000 };
const index = (bytes: Buffer) => indexTar(new MemorySource(bytes), limits);

/** Contents by name, as the index finds them. */
async function contents(bytes: Buffer): Promise<Record<string, string>> {
  const { members } = await index(bytes);
  return Object.fromEntries(
    [...members.values()].map(({ name, offset, size }) => [
      name,
      bytes.toString('utf8', offset, offset + size),
    ]),
  );
}

describe('archives of GNU tar', () => {
  const long = `${'folder-'.repeat(20)}/${'name-'.repeat(30)}.vmdk`;

  test.each(['v7', 'oldgnu', 'gnu', 'ustar', 'pax', 'posix'])('--format=%s', async (format) => {
    const folder = scratch();
    const takesLong = format !== 'v7' && format !== 'ustar';
    const files: Record<string, string> = {
      'x.ovf': '<Envelope/>',
      'x-disk1.vmdk': 'd'.repeat(1000),
      'empty.iso': '',
      'ünïcode ☃.vmdk': 'snow',
      'disks/second.vmdk': 'below',
      ...(format === 'v7' ? {} : { [`${'p'.repeat(60)}/${'q'.repeat(60)}/with-prefix.vmdk`]: 'prefix' }),
      ...(takesLong ? { [long]: 'long' } : {}),
    };
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(folder, 'tree', name, '..'), { recursive: true });
      writeFileSync(join(folder, 'tree', name), content);
    }
    const archive = join(folder, 'x.ova');
    run('tar', [`--format=${format}`, '-C', join(folder, 'tree'), '-cf', archive, ...Object.keys(files)]);
    expect(await contents(readFileSync(archive))).toEqual(files);
    run('tar', [`--format=${format}`, '-C', join(folder, 'tree'), '-cf', archive, '.']);
    const whole = readFileSync(archive);
    expect(await contents(whole)).toEqual(files);
    expect((await index(whole)).ignored).toContain('disks');
  });

  test.each(['gnu', 'pax'])('of 9 GiB, --format=%s', async (format) => {
    const folder = scratch();
    const size = 9 * 2 ** 30 + 1;
    writeFileSync(join(folder, 'disk.vmdk'), '');
    truncateSync(join(folder, 'disk.vmdk'), size);
    const archive = join(folder, 'x.ova');
    // The headers are all that is taken of what tar writes; the content is a hole.
    run('sh', ['-c', 'cd "$1" && tar --format="$2" -cf - disk.vmdk | head -c 2048 >x.ova', 'sh', folder, format]); // prettier-ignore
    truncateSync(archive, 4096 + size);
    await using file = await openRaw(archive);
    const { members } = await indexTar(file, limits);
    expect(members.get('disk.vmdk')).toEqual({
      name: 'disk.vmdk',
      size,
      offset: format === 'gnu' ? 512 : 1536,
    });
  });

  test('sparse files are refused, in both forms', async () => {
    const folder = scratch();
    writeFileSync(join(folder, 'disk.vmdk'), '');
    truncateSync(join(folder, 'disk.vmdk'), 1 << 20);
    for (const format of ['gnu', 'pax']) {
      const archive = join(folder, `${format}.ova`);
      run('tar', [`--format=${format}`, '--sparse', '-C', folder, '-cf', archive, 'disk.vmdk']);
      await using file = await openRaw(archive);
      await expect(indexTar(file, limits)).rejects.toMatchObject({
        code: 'PACKAGE_MEMBER',
        message: expect.stringMatching(/disk\.vmdk.*sparse/) as string,
      });
    }
  });
});

describe('what others write', () => {
  test.each<[string, RawMember[], Record<string, string>]>([
    ["VMware's version of ustar", [{ name: 'a', content: 'A', version: ' \0', prefix: 'p' }], { 'p/a': 'A' }],
    ["GNU's fields where ustar has a prefix", [{ name: 'a', magic: 'ustar ', version: ' \0', prefix: '123' }], { a: '' }], // prettier-ignore
    ['no magic and a NUL for a type', [{ name: 'a', content: 'A', magic: '', version: '', type: '\0' }], { a: 'A' }], // prettier-ignore
    ['a checksum of signed characters', [{ name: 'é', content: 'A', checksum: 'signed' }], { é: 'A' }],
    ['a size with spaces', [{ name: 'a', content: 'A', size: '         1 ' }], { a: 'A' }],
    ['a size in base-256', [{ name: 'a', content: 'A', size: base256(1n) }], { a: 'A' }],
    ['./ before names', [{ name: './a', content: 'A' }, { name: './/b/./c', content: 'C' }], { a: 'A', 'b/c': 'C' }], // prettier-ignore
    ['a file that lies in one piece', [{ name: 'a', content: 'A', type: '7' }], { a: 'A' }],
    ['folders', [{ name: './', type: '5' }, { name: 'd/', type: '5' }, { name: 'old/' }, { name: 'a' }], { a: '' }], // prettier-ignore
    ['what Apple leaves', [{ name: '._a' }, { name: 'd/._a' }, { name: '__MACOSX/x' }, { name: '.DS_Store' }, { name: 'a' }], { a: '' }], // prettier-ignore
    ['a long link', [{ name: '././@LongLink', type: 'K', content: 'target\0' }, { name: 'a' }], { a: '' }],
    ['a long name', [{ name: '././@LongLink', type: 'L', content: 'long\0' }, { name: 'lo' }], { long: '' }],
    ['pax path', [pax({ path: 'ü.vmdk', comment: 'a=b\nc' }), { name: 'u' }], { 'ü.vmdk': '' }],
    ['pax size', [pax({ size: '3' }), { name: 'a', content: 'abc', size: 0 }], { a: 'abc' }],
    ['pax of one member only', [pax({ path: 'b' }), { name: 'a' }, { name: 'c' }], { b: '', c: '' }],
    ['pax with an empty path', [pax({ path: '' }), { name: 'a' }], { a: '' }],
    ['global pax', [pax({ path: '../b', size: '77' }, 'g'), { name: 'a', content: 'A' }], { a: 'A' }],
    ['pax of Solaris', [pax({ path: 'b' }, 'X'), { name: 'a' }], { b: '' }],
    ['pax without a member', [{ name: 'a' }, pax({ path: 'b' })], { a: '' }],
  ])('%s', async (_, members, expected) => {
    expect(await contents(tarBytes(members))).toEqual(expected);
  });

  test.each([0, 1, 511, 512, 513, 20 * 512])('%i bytes of padding at the end', async (end) => {
    expect(await contents(tarBytes([{ name: 'a', content: 'A' }], end))).toEqual({ a: 'A' });
  });

  test('a last member that is not padded', async () => {
    expect(await contents(memberBytes({ name: 'a', content: 'A' }).subarray(0, 513))).toEqual({ a: 'A' });
  });

  test('what is behind the end does not matter', async () => {
    const bytes = Buffer.concat([tarBytes([{ name: 'a' }], 512), Buffer.from('anything')]);
    expect(await contents(bytes)).toEqual({ a: '' });
  });
});

describe('refused', () => {
  test.each<[reason: string, RawMember[], message: RegExp]>([
    ['a symbolic link', [{ name: 'x', type: '2', linkName: '/etc/passwd' }], /"x".*symbolic link/],
    ['a hard link', [{ name: 'x', type: '1', linkName: 'y' }], /"x".*hard link/],
    ['a character device', [{ name: 'x', type: '3' }], /"x".*character device/],
    ['a block device', [{ name: 'x', type: '4' }], /"x".*block device/],
    ['a named pipe', [{ name: 'x', type: '6' }], /"x".*named pipe/],
    ['a sparse file', [{ name: 'x', type: 'S' }], /"x".*sparse/],
    ['a part', [{ name: 'x', type: 'M' }], /"x".*another archive/],
    ['a type that nobody knows', [{ name: 'x', type: '\x1b' }], /"x".*unknown type "\\x1b"/],
    ['a folder with content', [{ name: 'x', type: '5', content: 'X' }], /"x".*folder with content/],
    ['a duplicate', [{ name: 'x' }, { name: './x' }], /"x".*two of this name/],
    ['an absolute path', [{ name: '/etc/passwd' }], /"\/etc\/passwd".*absolute/],
    ['a drive', [{ name: 'C:x' }], /"C:x".*absolute/],
    ['a path that leads out', [{ name: 'a/../../x' }], /"a\/\.\.\/\.\.\/x".*leads out/],
    ['a folder that leads out', [{ name: '../', type: '5' }], /"\.\.\/".*leads out/],
    ['a backslash', [{ name: 'a\\x' }], /"a\\x5cx".*backslash/],
    ['a NUL', [pax({ path: 'a\0x' }), { name: 'a' }], /"a\\x00x".*NUL/],
    ['a newline', [{ name: 'a\nx' }], /"a\\x0ax".*control/],
    ['no UTF-8', [{ name: Buffer.from([0x61, 0xff]) }], /not UTF-8/],
    ['no name', [{ name: '' }], /no name/],
    ['no name but a dot', [{ name: '.' }], /no name/],
    ['a name of 4000 characters', [{ name: 'L', type: 'L', content: 'a'.repeat(4000) }, {}], /too long/],
    ['pax path that leads out', [pax({ path: '../x' }), { name: 'x' }], /"\.\.\/x".*leads out/],
    ['a pax sparse file', [pax({ 'GNU.sparse.major': '1' }), { name: 'x' }], /"x".*sparse/],
  ])('%s', async (_, members, message) => {
    await expect(index(tarBytes([{ name: 'first' }, ...members]))).rejects.toMatchObject({
      code: 'PACKAGE_MEMBER',
      message: expect.stringMatching(message) as string,
    });
  });

  test.each<[reason: string, RawMember[], message: RegExp]>([
    ['a wrong checksum', [{ name: 'x', checksum: 'wrong' }], /byte 512 has a wrong checksum/],
    ['a size beyond the file', [{ name: 'x', size: 5000 }], /"x" has 5000 bytes from byte 1024 on/],
    ['a size of exabytes', [{ name: 'x', size: base256(1n << 62n) }], /size of "x"/],
    ['a negative size', [{ name: 'x', size: '\xff'.repeat(12) }], /size of "x"/],
    ['a size that is no number', [{ name: 'x', size: '12x4567' }], /size of "x"/],
    ['no size', [{ name: 'x', size: '\0'.repeat(12) }], /size of "x"/],
    [
      'a pax size beyond the file',
      [pax({ size: '9007199254740991' }), { name: 'x' }],
      /"x" has 9007199254740991/,
    ],
    ['a pax size that is no number', [pax({ size: '1e3' }), { name: 'x' }], /pax header at byte 1024/],
    ['a pax size of exabytes', [pax({ size: '9999999999999999' }), { name: 'x' }], /pax header/],
    ['a pax record that is too long', [{ type: 'x', content: '99 path=a\n' }, {}], /pax header/],
    ['a pax record of no length', [{ type: 'x', content: '0 path=a\n' }, {}], /pax header/],
    ['a pax record without an end', [{ type: 'x', content: '9 path=ab' }, {}], /pax header/],
    ['a pax record without a value', [{ type: 'x', content: '7 path\n' }, {}], /pax header/],
    ['pax that is none', [{ type: 'x', content: 'x'.repeat(100) }, {}], /pax header/],
    ['a name of megabytes', [{ type: 'L', content: 'a'.repeat(5000) }, {}], /extended header/],
  ])('%s', async (_, members, message) => {
    await expect(index(tarBytes([{ name: 'first' }, ...members]))).rejects.toMatchObject({
      code: 'PACKAGE_CORRUPT',
      message: expect.stringMatching(message) as string,
    });
  });

  test('pax of megabytes', async () => {
    const bytes = tarBytes([{ name: 'first' }, { type: 'x', content: Buffer.alloc((1 << 20) + 1) }, {}]);
    await expect(index(bytes)).rejects.toMatchObject({ code: 'PACKAGE_CORRUPT' });
  });

  test('a file that is cut off', async () => {
    const bytes = tarBytes([{ name: 'a', content: 'a'.repeat(600) }, { name: 'b' }]);
    await expect(index(bytes.subarray(0, 1000))).rejects.toMatchObject({ code: 'PACKAGE_CORRUPT' });
    await expect(index(bytes.subarray(0, 1536 + 100))).rejects.toMatchObject({ code: 'PACKAGE_CORRUPT' });
  });

  test.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(10240)],
    ['text', Buffer.from('no archive')],
    ['more text', Buffer.alloc(5000, 'no archive')],
  ])('%s is no archive', async (_, bytes) => {
    await expect(index(bytes)).rejects.toMatchObject({ code: 'PACKAGE_FORMAT' });
  });

  test('too many members, and too many headers', async () => {
    const many = (count: number, member: RawMember) => tarBytes(Array.from({ length: count }, (_, n) => ({ name: `m${n}`, ...member }))); // prettier-ignore
    const few = (bytes: Buffer) => indexTar(new MemorySource(bytes), { members: 10 });
    expect((await few(many(10, {}))).members.size).toBe(10);
    const refused = { code: 'PACKAGE_LIMIT', hint: expect.stringContaining('"members"') as string };
    await expect(few(many(11, {}))).rejects.toMatchObject(refused);
    await expect(few(many(11, { type: '5' }))).rejects.toMatchObject(refused);
    await expect(few(many(42, { type: 'g' }))).rejects.toMatchObject(refused);
  });
});
