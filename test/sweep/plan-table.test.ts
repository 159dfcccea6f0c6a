import { execFileSync } from 'node:child_process';
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPlan } from '../../src/sweep/plan/plan.js';
import { cellsOf, tableFormat } from '../../src/sweep/plan/table/cells.js';
import { RecordReader } from '../../src/sweep/plan/table/records.js';
import { type PlanFolder, makePlanFolder, valuesOf } from './plan-fixture.js';

let home: PlanFolder;
beforeAll(async () => {
  home = await makePlanFolder();
});
afterAll(() => home[Symbol.asyncDispose]());

const appliance = () => join(home.folder, 'square');

async function rows(name: string, text: string | Uint8Array, ...names: string[]): Promise<unknown[][]> {
  const { points } = await readPlan(await home.write(name, text), { appliance: appliance() });
  return [...points.points()].map(({ parameters }) => valuesOf(parameters, names));
}

async function mistakes(name: string, text: string | Uint8Array): Promise<string[]> {
  return home.mistakesOf(await home.write(name, text), appliance());
}

/** All records of a CSV file as cells. */
async function cells(text: string | Uint8Array): Promise<string[][]> {
  const reader = new RecordReader(await home.write('cells.csv', text), 'csv');
  const all: string[][] = [];
  for (let record = reader.next(); record; record = reader.next())
    all.push(cellsOf(record.text, record.line, 'csv'));
  return all;
}

describe('CSV', () => {
  // The examples of RFC 4180, section 2, and what else the standard allows.
  test.each([
    [
      'aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n',
      [
        ['aaa', 'bbb', 'ccc'],
        ['zzz', 'yyy', 'xxx'],
      ],
    ],
    [
      'aaa,bbb,ccc\r\nzzz,yyy,xxx',
      [
        ['aaa', 'bbb', 'ccc'],
        ['zzz', 'yyy', 'xxx'],
      ],
    ],
    [
      '"aaa","bbb","ccc"\r\nzzz,yyy,xxx',
      [
        ['aaa', 'bbb', 'ccc'],
        ['zzz', 'yyy', 'xxx'],
      ],
    ],
    [
      '"aaa","b\nbb","ccc"\nzzz,yyy,xxx\n',
      [
        ['aaa', 'b\nbb', 'ccc'],
        ['zzz', 'yyy', 'xxx'],
      ],
    ],
    ['"aaa","b""bb","ccc"', [['aaa', 'b"bb', 'ccc']]],
    ['a, b ,\n', [['a', ' b ', '']]],
    ['"",,""\n', [['', '', '']]],
    ['"a,b","""",","\n', [['a,b', '"', ',']]],
    ['\ufeffa,b\n', [['a', 'b']]],
    ['a\n\n\nb\n', [['a'], ['b']]],
    ['ä,"ö,ü",😀\n', [['ä', 'ö,ü', '😀']]],
    ['"\n\n"\nx', [['\n\n'], ['x']]],
    ['', []],
  ])('%j', async (text, expected) => {
    expect(await cells(text)).toEqual(expected);
  });

  test('is read as Python reads it, whatever is in the cells', async () => {
    const cell = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', '1', ',', '"', '\n', ' ', 'é', '\t'), maxLength: 6 }),
      fc.string({ maxLength: 6 }).map((text) => text.replace(/[\r\0]/g, '')),
    );
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 });
    const tables = fc.sample(table, { numRuns: 60, seed: 4180 });
    const program = [
      'import csv, io, json, sys',
      'out = io.StringIO(newline="")',
      'for table in json.load(sys.stdin):',
      '    out = io.StringIO(newline=""); csv.writer(out, lineterminator="\\n").writerows(table)',
      '    print(json.dumps(out.getvalue()))',
    ].join('\n');
    const options = { input: JSON.stringify(tables), encoding: 'utf8' } as const;
    const written = execFileSync('python3', ['-c', program], options).trim().split('\n');
    for (const [index, text] of written.entries())
      expect(await cells(JSON.parse(text) as string)).toEqual(tables[index]);
  });

  test('records that do not fit the pieces in which a file is read', async () => {
    const long = `"${'x,\n'.repeat(100_000)}é"`;
    const text = `${'a,b\n'.repeat(70_000)}${long},é\nc,d`;
    const all = await cells(text);
    expect(all).toHaveLength(70_002);
    expect(all[70_000]).toEqual([`${'x,\n'.repeat(100_000)}é`, 'é']);
    expect(all[70_001]).toEqual(['c', 'd']);
  });
});

describe('a table', () => {
  test('is a plan, its columns parameters', async () => {
    const expected = [
      [1, 'a b', 0.25, true],
      [2, '', 1e-3, false],
    ];
    const csv = 'n,mode,x,flag\n1,a b,0.25,TRUE\n2,,1e-3,false\n';
    expect(await rows('t.csv', csv, 'n', 'mode', 'x', 'flag')).toEqual(expected);
    expect(await rows('t.tsv', csv.replaceAll(',', '\t'), 'n', 'mode', 'x', 'flag')).toEqual(expected);
    const jsonl = '{"n":1,"mode":"a b","x":0.25,"flag":true}\n\n{"mode":"","n":2,"flag":false,"x":1e-3}';
    expect(await rows('t.jsonl', jsonl, 'n', 'mode', 'x', 'flag')).toEqual(expected);
    expect(await rows('t.tsv', 'mode\n"a"\n', 'mode')).toEqual([['"a"']]);
  });

  test('is told by its name, or by what the plan says', async () => {
    expect(['a.CSV', 'b.tab', 'c.ndjson', 'd.txt', 'e'].map(tableFormat)).toEqual([
      'csv',
      'tsv',
      'jsonl',
      undefined,
      undefined,
    ]);
    await home.write('list.txt', '1,x,2\n3,y,4\n');
    const text = 'table: { file: list.txt, format: csv, columns: [n, note, m], ignore: [note] }';
    expect(await home.rows(text, 'n', 'm')).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('needs an appliance', async () => {
    const path = await home.write('t.csv', 'n\n1\n');
    await expect(readPlan(path)).rejects.toMatchObject({
      code: 'APPLIANCE_MISSING',
      hint: expect.stringContaining('--appliance DIR') as unknown,
    });
  });

  test('is read again from any row on, in long ones as well', async () => {
    const lines = Array.from(
      { length: 10_000 },
      (_, index) => `${index % 1000},"${index % 3 === 0 ? 'a\nb' : 'é'}",${index}`,
    );
    const path = await home.write('long.csv', `n,mode,m\r\n${lines.join('\r\n')}\r\n`);
    const { points } = await readPlan(path, { appliance: appliance() });
    expect([points.exact, points.count]).toEqual([true, 10_000n]);
    for (const from of [0, 1, 4095, 4096, 4097, 9999]) {
      const [point] = points.points(from);
      expect(point).toMatchObject({ index: from, parameters: { n: from % 1000, m: from } });
    }
    expect([...points.points(10_000)]).toEqual([]);
  });

  test('with equal rows: they are merged and it is said, however they are written', async () => {
    const path = await home.write('twice.csv', 'n,x\n1,0.5\n2,1\n1,5e-1\n2,1.0\n"1",0.50\n3,1\n');
    const plan = await readPlan(path, { appliance: appliance() });
    expect([...plan.points.points()].map(({ index, parameters }) => [index, parameters['n']])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
    expect(plan.notes()).toEqual(['3 points are there more than once, and merged']);
    expect(plan.points.count).toBe(3n);
  });

  test('merging keeps the first of equal rows and the order, as a set does', () => {
    const few = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom('a', 'b', '1')), {
      minLength: 1,
    });
    return fc.assert(
      fc.asyncProperty(few, async (table) => {
        const text = `n,mode\n${table.map((row) => row.join(',')).join('\n')}\n`;
        const expected = [...new Set(table.map(String))];
        expect((await rows('few.csv', text, 'n', 'mode')).map(String)).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  test('that has changed since it was checked is not believed', async () => {
    const path = await home.write(
      'change.csv',
      `m\n${Array.from({ length: 5000 }, (_, m) => m).join('\n')}\n`,
    );
    const { points } = await readPlan(path, { appliance: appliance() });
    utimesSync(path, 1, 1);
    expect(() => [...points.points()]).toThrow(expect.objectContaining({ code: 'PLAN_CHANGED' }));
  });
});

describe('mistakes', () => {
  const parameters = 'square has no such parameter; its parameters: n, m, x, y, mode, odd, flag, seed';

  test('are told with line and column, all at once', async () => {
    const text = 'n,x,flag\n1,2,true\nx,,yes\n"1\n",2,true\n3,4\n5,6,7,8\n2000,1,true\n1.5,1,true\n';
    expect(await mistakes('bad.csv', text)).toEqual([
      '3:1: n: must be an integer, not "x"',
      '6:1: has 2 cells, and the table 3 columns',
      '7:1: has 4 cells, and the table 3 columns',
      '8:1: n: must be at most 1000',
      '9:1: n: must be an integer, not 1.5',
    ]);
    expect(await mistakes('bad.csv', 'mode,n\n"a\nb,"",c",x\n')).toEqual([
      '3:9: n: must be an integer, not "x"',
    ]);
  });

  test('of long tables are counted', async () => {
    const told = await mistakes('many.csv', `n\n${'x\n'.repeat(5000)}`);
    expect(told).toHaveLength(21);
    expect(told[20]).toContain('and 4980 more lines have mistakes');
  });

  test.each([
    ['n,colour,n\n1,2,3\n', ['1:3: column "colour": ' + parameters, '1:10: the column "n" is there twice']],
    ['n;m\n1;2\n', ['1:1: column "n;m": ' + parameters]],
    ['', ['1:1: the table is empty']],
    ['\n\n', ['1:1: the table is empty']],
    ['n\n', ['1:1: the table has no rows']],
    ['n,mode\n1,a"b\n', ['2:4: a quote within a cell: put the cell in quotes, and write the quote twice']],
    ['n,mode\n1,"a"b\n', ['2:6: there is something between the closing quote and the comma']],
    ['n,mode\n1,"a\n2,b\n', ['2:3: the quote is not closed']],
    ['mode\na\0b\n', ['2:1: mode: must not contain a NUL character']],
    ['n\n1e400\n', ['2:1: n: must be an integer, not "1e400"']],
  ])('in %j', async (text, expected) => {
    expect(await mistakes('bad.csv', text)).toEqual(expected);
  });

  test.each([
    [
      '{"n":1}\n{"n":"1"}\n{"n":1.5}\n{"n":null}',
      [
        '2:1: n: must be an integer, not "1"',
        '3:1: n: must be an integer, not 1.5',
        '4:1: n: must be a number, a string, true or false',
      ],
    ],
    [
      '{"n":1}\n{"m":1}\n{"n":1,"m":2}\n',
      ['2:1: lacks n, which the first line has', '3:1: has "m", which the first line has not'],
    ],
    ['{"n":1}\n[1]\n', ['2:1: must be an object such as {"n": 1}']],
    ['{"n":1,"__proto__":2}\n', [`1:1: column "__proto__": ${parameters}`]],
  ])('in JSON Lines %j', async (text, expected) => {
    expect(await mistakes('bad.jsonl', text)).toEqual(expected);
  });

  test('JSON that is none, text that is no UTF-8, a line without end, a missing file', async () => {
    expect((await mistakes('bad.jsonl', '{"n":1}\nn=1\n'))[0]).toMatch(/^2:1: is no JSON: /);
    expect(await mistakes('bad.csv', Buffer.from('mode\nb\u00e4h\n', 'latin1'))).toEqual([
      '2:1: is no UTF-8',
    ]);
    expect(await mistakes('bad.csv', Buffer.from('\ufeffn\n1\n', 'utf16le'))).toEqual([
      '1:1: is UTF-16: save it as UTF-8',
    ]);
    expect(await mistakes('bad.csv', `mode\n${'x'.repeat(2 << 20)}`)).toEqual([
      '2:1: the line is longer than 1048576 bytes',
    ]);
    expect((await home.mistakesOf(join(home.folder, 'none.csv'), appliance()))[0]).toMatch(
      /^1:1: cannot read the table: ENOENT/,
    );
  });

  test('a column that a parameter without default needs', async () => {
    await home.write(
      'strict/gva.yaml',
      'name: strict\nrun: ls\nparameters: { k: { type: int }, l: { type: int, default: 1 } }\n',
    );
    await home.write('strict/app/x', '');
    const path = await home.write('k.csv', 'l\n1\n');
    expect(await home.mistakesOf(path, join(home.folder, 'strict'))).toEqual([
      '1:1: k is missing, and has no default',
    ]);
  });

  test.each([
    [
      'table: list.dat',
      '1:8: table: has a name that tells no format: say { file: ..., format: csv } (or tsv, jsonl)',
    ],
    ['table: { file: a.csv, format: xls }', '1:31: table.format: must be one of csv, tsv, jsonl'],
    ['table: { file: a.csv, colums: [n] }', '1:23: table: unknown entry "colums"'],
    ['table: { file: a.csv, columns: n }', '1:32: table.columns: must be a list of names'],
    [
      'table: { file: a.jsonl, columns: [n] }',
      '1:34: table.columns: are for tables without a header: in JSON Lines each line has the names',
    ],
    ['table: [a.csv]', '1:8: table: must be a file or { file: ... }'],
    ['table: a.csv\nparameters: { n: 1 }', '2:1: parameters: n has its values from table already'],
  ])('%s', async (text, expected) => {
    await home.write('a.csv', 'n\n1\n');
    expect((await home.mistakes(text))[0]).toBe(expected);
  });
});
