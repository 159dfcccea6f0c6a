import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dataLimits } from '../../../src/sweep/results/data-values.js';
import { readKeptData } from '../../../src/sweep/results/kept.js';
import { readPointData } from '../../../src/sweep/results/point-data.js';
import { scratch } from './fixture.js';

/** What is read of an output with these files. */
function dataOf(files: Readonly<Record<string, string>>) {
  const read = (name: string) => Promise.resolve(name in files ? Buffer.from(files[name]!) : undefined);
  return readPointData(read);
}

describe('result.json', () => {
  test('gives its values with their types, objects flattened and arrays as text', async () => {
    const text =
      '{"area": 49, "ok": true, "none": null, "fit": {"a": 1.5, "b": {"c": "x"}}, "list": [1, "z"]}';
    expect(await dataOf({ 'result.json': text })).toEqual({
      ...{ area: 49, ok: true, none: null, 'fit.a': 1.5, 'fit.b.c': 'x', list: '[1,"z"]' },
    });
  });

  test.each([
    ['42', 42],
    ['[1, 2]', '[1,2]'],
    ['"x"', 'x'],
    ['null', null],
  ])('%s alone is the value result', async (text, result) => {
    expect(await dataOf({ 'result.json': text })).toEqual({ result });
  });

  test('numbers that a double cannot hold stay as they were, as text', async () => {
    const text = '{"id": 12345678901234567890, "x": -1e999, "s": "12345678901234567890 1e999", "y": 0.1}';
    expect(await dataOf({ 'result.json': text })).toEqual({
      ...{ id: '12345678901234567890', x: '-1e999', s: '12345678901234567890 1e999', y: 0.1 },
    });
  });

  test('numbers that lie between two texts stay numbers, whichever of them stands for them', async () => {
    for (const text of ['1835275927449576.2', '1835275927449576.3', '-4503599627370495.5'])
      expect(await dataOf({ 'result.json': `{"v": ${text}}` })).toEqual({ v: Number(text) });
  });

  test('NaN and Infinity, as Python writes them, are text', async () => {
    expect(await dataOf({ 'result.json': '{"a": NaN, "b": -Infinity, "c": "NaN \\" NaN"}' })).toEqual({
      ...{ a: 'NaN', b: '-Infinity', c: 'NaN " NaN' },
    });
  });

  test('names of GVA and of every object get a prefix', async () => {
    const text =
      '{"gva_state": "done", "gva_data": "fine", "__proto__": 1, "constructor": {"prototype": 2}, "": 3}';
    const data = await dataOf({ 'result.json': text });
    expect(Object.entries(data)).toEqual([
      ['out.gva_state', 'done'],
      ['out.gva_data', 'fine'],
      ['out.__proto__', 1],
      ['constructor.prototype', 2],
      ['result', 3],
    ]);
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
  });

  test('control characters go', async () => {
    const text = JSON.stringify({ 'a\u001b[31m\nb\u202e': 'x\u001b[2Jy\u0000\r\nz\t\ud800' });
    expect(await dataOf({ 'result.json': text })).toEqual({
      'a\ufffd[31m\ufffdb\ufffd': 'xy\ufffd\nz\t\ufffd',
    });
  });

  test.each(['', '{', '{"a": 1,}', '{"a": NaNx}', '{a: 1}', '\u0000'])(
    '%j is said to be no JSON',
    async (text) => {
      const data = await dataOf({ 'result.json': text });
      expect(Object.keys(data)).toEqual(['gva_data']);
      expect(data['gva_data']).toMatch(/^result\.json: /);
    },
  );

  test('of any object, what is within the limits comes as it was', async () => {
    // Integers beyond 2^53 become text.
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    const value = fc.oneof(
      ...[fc.boolean(), fc.constant(null), fc.maxSafeInteger()],
      double.filter((number) => !Number.isInteger(number)),
    );
    const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/).filter((text) => !text.startsWith('gva_'));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 50, noNullPrototype: true }), async (object) => {
        const text = JSON.stringify(object);
        const expected = JSON.parse(text) as Record<string, unknown>;
        const data = await dataOf({ 'result.json': text });
        for (const key in expected) if (!(key in Object.prototype)) expect(data[key]).toEqual(expected[key]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('result.csv', () => {
  test('gives its last row', async () => {
    const text = 'step,error,note\r\n1,0.5,\r\n2,0.25,"says ""a,b"""\r\n\r\n';
    expect(await dataOf({ 'result.csv': text })).toEqual({ step: 2, error: 0.25, note: 'says "a,b"' });
    expect(await dataOf({ 'result.csv': '\ufeffa,b\n007,\n' })).toEqual({ a: '007', b: null });
  });

  test('a header alone gives nothing', async () => {
    expect(await dataOf({ 'result.csv': 'a,b\n' })).toEqual({});
    expect(await dataOf({ 'result.csv': '' })).toEqual({});
  });

  test.each(['a,b\n1\n', 'a\n"x', 'a\n"x"y\n', 'a\nx"y\n'])('%j is said to be none', async (text) => {
    expect((await dataOf({ 'result.csv': text }))['gva_data']).toMatch(/^result\.csv: /);
  });
});

test('result.txt gives its lines with a name and a value', async () => {
  const text = '# area=1\narea=49\r\n  mean = 0.5 \nok=true\nempty=\nThe area = 3 m\n=x\nname=a=b c\narea=50';
  expect(await dataOf({ 'result.txt': text })).toEqual({
    ...{ area: 50, mean: 0.5, ok: true, empty: null, name: 'a=b c' },
  });
});

test('all three are read, and a later one replaces values of an earlier one', async () => {
  const files = {
    'result.txt': 'c=3',
    'result.json': '{"a": 1, "b": 1, "c": 1}',
    'result.csv': 'b,c\n2,2\n',
  };
  expect(await dataOf(files)).toEqual({ a: 1, b: 2, c: 3 });
});

describe('limits', () => {
  const { values, name, value, total, depth } = dataLimits;
  const many = (count: number, text: string) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, text])));
  test.each([
    ['values', many(values + 1, ''), values],
    ['characters', JSON.stringify({ a: 1, ['x'.repeat(name + 1)]: 1 }), 1],
    ['characters', JSON.stringify({ a: 1, b: 'x'.repeat(value + 1) }), 1],
    ['in all', many(values, 'x'.repeat(value)), Math.floor(total / (value + 3))],
    ['levels', `${'{"a":'.repeat(depth + 1)}1${'}'.repeat(depth + 1)}`, 0],
    ['JSON', '['.repeat(500_000), 0],
    ['values', `{${Array.from({ length: 50_000 }, (_, index) => `"k${index}":1`).join()}}`, values],
  ])('of %s are told, and the rest is taken', async (told, text, taken) => {
    const data = await dataOf({ 'result.json': text });
    expect(data['gva_data']).toContain(told);
    expect(Object.keys(data)).toHaveLength(taken + 1);
  });

  test('as much as is allowed passes without a word', async () => {
    expect(Object.keys(await dataOf({ 'result.json': many(values, 'x') }))).toHaveLength(values);
  });

  test('deeply nested arrays do no harm', async () => {
    const data = await dataOf({ 'result.json': `${'['.repeat(250_000)}${']'.repeat(250_000)}` });
    expect(Object.keys(data)).toEqual(['gva_data']);
  });
});

describe('in a folder', () => {
  /** A point's folder with an output, and that. */
  function point(): { folder: string; output: string } {
    const folder = scratch();
    const output = join(folder, 'output');
    mkdirSync(output);
    return { folder, output };
  }

  test('files are read, and nothing where there are none', async () => {
    const { folder, output } = point();
    expect(await readKeptData(folder)).toEqual({});
    expect(await readKeptData(join(folder, 'none'))).toEqual({});
    writeFileSync(join(output, 'result.json'), '{"area": 49}');
    expect(await readKeptData(folder)).toEqual({ area: 49 });
  });

  test('links, folders and pipes are no files', async () => {
    const { folder, output } = point();
    writeFileSync(join(output, 'secret'), 'a=1');
    symlinkSync('secret', join(output, 'result.txt'));
    mkdirSync(join(output, 'result.json'));
    execFileSync('mkfifo', [join(output, 'result.csv')]);
    expect(await readKeptData(folder)).toEqual({});
  });

  test('what the host cannot read for now is not taken for unreadable', async () => {
    const failing = (code: string) =>
      readPointData(() => Promise.reject(Object.assign(new Error(code), { code })));
    for (const code of ['EMFILE', 'EIO', 'ENOMEM']) await expect(failing(code)).rejects.toThrow(code);
    expect(await failing('EACCES')).toEqual({ gva_data: 'result.json: EACCES' });
  });

  test('a huge file is not read', async () => {
    const { folder, output } = point();
    writeFileSync(join(output, 'result.json'), '');
    truncateSync(join(output, 'result.json'), 2 ** 40);
    writeFileSync(join(output, 'result.txt'), 'a=1');
    expect(await readKeptData(folder)).toEqual({
      a: 1,
      gva_data: 'result.json is larger than 1048576 bytes',
    });
  });

  test.skipIf(process.getuid?.() === 0)(
    'a file that may not be read is told (root may read all)',
    async () => {
      const { folder, output } = point();
      writeFileSync(join(output, 'result.json'), '{}');
      chmodSync(join(output, 'result.json'), 0);
      expect((await readKeptData(folder))['gva_data']).toMatch(/^result\.json: EACCES/);
    },
  );
});
