import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatManifest, manifestSize, parseManifest } from '../../src/ovf/manifest.js';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const parse = (text: string) => parseManifest(Buffer.from(text), 'x.mf');

describe('reading', () => {
  test.each<[string, string, string[]]>([
    [
      'as written',
      `SHA256(x.ovf)= ${A}\nSHA256(x.vmdk)= ${B}\n`,
      [`SHA256 x.ovf ${A}`, `SHA256 x.vmdk ${B}`],
    ],
    ['a space before (', `SHA256 (x.ovf) = ${A}\n`, [`SHA256 x.ovf ${A}`]],
    ['no spaces', `SHA256(x.ovf)=${A}`, [`SHA256 x.ovf ${A}`]],
    ['CRLF', `SHA256(x.ovf)= ${A}\r\nSHA256(x.vmdk)= ${B}\r\n`, [`SHA256 x.ovf ${A}`, `SHA256 x.vmdk ${B}`]],
    ['no newline at the end, empty lines', `\n\nSHA256(x.ovf)= ${A}`, [`SHA256 x.ovf ${A}`]],
    ['a byte order mark', `\uFEFFSHA256(x.ovf)= ${A}`, [`SHA256 x.ovf ${A}`]],
    ['capitals', `sha256(x.ovf)= ${A.toUpperCase()}`, [`SHA256 x.ovf ${A}`]],
    ['a hyphen', `SHA-256(x.ovf)= ${A}`, [`SHA256 x.ovf ${A}`]],
    ['MD5', `MD5(x.ovf)= ${'1'.repeat(32)}`, [`MD5 x.ovf ${'1'.repeat(32)}`]],
    ['SHA1', `SHA1(x.ovf)= ${'1'.repeat(40)}`, [`SHA1 x.ovf ${'1'.repeat(40)}`]],
    ['SHA384', `SHA384(x.ovf)= ${'1'.repeat(96)}`, [`SHA384 x.ovf ${'1'.repeat(96)}`]],
    ['SHA512', `SHA512(x.ovf)= ${'1'.repeat(128)}`, [`SHA512 x.ovf ${'1'.repeat(128)}`]],
    ['parentheses in names', `SHA256(x (1)= .vmdk)= ${A}`, [`SHA256 x (1)= .vmdk ${A}`]],
    ['./ in names', `SHA256(./x.ovf)= ${A}`, [`SHA256 x.ovf ${A}`]],
    ['a line twice', `SHA256(x.ovf)= ${A}\nSHA256(x.ovf)= ${A}\n`, [`SHA256 x.ovf ${A}`]],
    [
      'two algorithms',
      `SHA256(x)= ${A}\nMD5(x)= ${'1'.repeat(32)}\n`,
      [`SHA256 x ${A}`, `MD5 x ${'1'.repeat(32)}`],
    ],
    ['nothing', '', []],
  ])('%s', (_, text, expected) => {
    const { entries, problems } = parse(text);
    expect(entries.map(({ algorithm, name, digest }) => `${algorithm} ${name} ${digest}`)).toEqual(expected);
    expect(problems).toEqual([]);
  });

  test('problems have their lines', () => {
    const text = `# made by hand\nSHA256(a)= ${A}\nSHA256(a)= ${B}\nSHA3(a)= ${A}\nSHA256(b)= abc\n`;
    const { entries, problems } = parse(text);
    expect(problems).toEqual([
      { severity: 'warning', place: 'x.mf:1', message: 'not a line of a manifest: ignored' },
      { severity: 'error', place: 'x.mf:3', message: '"a" has another digest than in line 2' },
      { severity: 'warning', place: 'x.mf:4', message: 'not a line of a manifest: ignored' },
      { severity: 'error', place: 'x.mf:5', message: 'the SHA256 digest of "b" has a wrong length' },
    ]);
    expect(entries.map(({ name, line }) => `${name} ${line}`)).toEqual(['a 2', 'b 5']);
  });

  test('of a hostile file a few problems are kept, and names are made harmless', () => {
    expect(parse('x\n'.repeat(500_000)).problems).toHaveLength(20);
    expect(parse(`SHA256(${'('.repeat(1 << 20)}`).problems).toHaveLength(1);
    expect(parse('SHA256(\x1b[2J)= abc').problems[0]?.message).toContain('\\x1b');
  });

  test('any text is read', () => {
    const piece = fc.constantFrom('SHA256', 'MD5', '(', ')', '= ', A, 'x', '\n', '\r', ' ', '\0', 'ü', '../');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const { entries } = parse(pieces.join(''));
        expect(entries.every(({ digest }) => /^[0-9a-f]+$/.test(digest))).toBe(true);
      }),
      { seed: 9, numRuns: 500 },
    );
  });
});

test('writing', () => {
  const entries = [
    { name: 'x.ovf', digest: A },
    { name: 'x-disk1.vmdk', digest: B },
  ];
  const text = formatManifest(entries);
  expect(text).toBe(`SHA256(x.ovf)= ${A}\nSHA256(x-disk1.vmdk)= ${B}\n`);
  expect(manifestSize(['x.ovf', 'x-disk1.vmdk'])).toBe(text.length);
  expect(parse(text).entries).toMatchObject(entries);
  expect(formatManifest([{ name: 'x', digest: '1'.repeat(40) }], 'SHA1')).toBe(
    `SHA1(x)= ${'1'.repeat(40)}\n`,
  );
  expect(manifestSize(['x'], 'SHA1')).toBe(50);
});
