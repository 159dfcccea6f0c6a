import fc from 'fast-check';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DataValue } from '../../../src/sweep/results/data-values.js';
import { maxDataColumns } from '../../../src/sweep/results/data-columns.js';
import { writeParquet } from '../../../src/sweep/results/parquet.js';
import { type ResultsSource, ResultsTable } from '../../../src/sweep/results/table.js';
import { csvFormat, jsonFormat } from '../../../src/sweep/results/text-formats.js';
import { resultsFormats, writeResults, writeTexts } from '../../../src/sweep/results/write.js';
import { type TestPoint, parseCsv, scratch, sourceOf, times } from './fixture.js';

type Row = Readonly<Record<string, unknown>>;

const textOfTable = (format: typeof csvFormat, table: ResultsTable) => {
  const { head, line } = format(table.columns);
  return head + [...table.rows()].map(line).join('');
};

const csvOf = async (source: ResultsSource) => textOfTable(csvFormat, await ResultsTable.open(source));

/** The table in all formats, read back. Nothing is synced, which would take most of the time. */
async function rowsOf(source: ResultsSource) {
  const table = await ResultsTable.open(source, { types: true });
  const path = join(scratch(), 'results.parquet');
  {
    await using file = await open(path, 'w');
    await writeParquet(table, file);
  }
  const file = await asyncBufferFromFile(path);
  const { schema } = await parquetMetadataAsync(file);
  const [header, ...csv] = parseCsv(textOfTable(csvFormat, table));
  return {
    ...{ columns: table.columns.map(({ name }) => name), header: header!, csv },
    json: textOfTable(jsonFormat, table)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Row),
    parquet: (await parquetReadObjects({ file })) as Row[],
    types: Object.fromEntries(schema.slice(1).map(({ name, type }) => [name, type])),
  };
}

const head =
  'gva_state,gva_cause,gva_status,gva_started,gva_stage_s,gva_boot_s,gva_script_s,gva_shutdown_s,gva_other_s,gva_total_s';

describe('the CSV', () => {
  test('has point, parameters, how it went, and the data in order of first appearance', async () => {
    const source = sourceOf(
      ['n', 'mode'],
      [
        {
          parameters: { n: 12, mode: 'fast' },
          record: { data: { area: 144, ok: true }, startedAt: '2026-01-02T03:04:05.678Z' },
        },
        { parameters: { n: 13, mode: 'x,y' } },
        {
          parameters: { n: 14, mode: 'say "hi"' },
          record: { attempts: 3, data: { note: 'two\nlines', area: 196.5 } },
        },
      ],
    );
    expect(await csvOf(source)).toBe(
      `gva_point,n,mode,${head},gva_attempts,gva_folder,area,ok,note\r\n` +
        '0,12,fast,done,,0,2026-01-02T03:04:05.678Z,0.009,0.575,0.034,0.023,0.017,0.649,1,points/0,144,true,\r\n' +
        '1,13,"x,y",pending,,,,,,,,,,0,,,,\r\n' +
        '2,14,"say ""hi""",done,,0,,0.009,0.575,0.034,0.023,0.017,0.649,3,points/2,196.5,,"two\nlines"\r\n',
    );
  });

  test('leaves empty what is not known', async () => {
    const cut = { ...times, scriptsEnded: null };
    const records: TestPoint['record'][] = [
      { state: 'lost', cause: 'timeout', status: null, times: cut },
      { state: 'lost', cause: 'STAGE: full', message: 'long', status: null, times: null, attempts: 2 },
      { state: 'running', status: null, times: null },
      { state: 'failed', cause: 'script-status', status: 3 },
    ];
    const text = await csvOf(
      sourceOf(
        [],
        records.map((record) => ({ parameters: {}, record: record! })),
      ),
    );
    expect(text.split('\r\n').slice(1)).toEqual([
      '0,lost,timeout,,,0.009,0.575,,,,0.649,1,points/0',
      '1,lost,STAGE: full,,,,,,,,,2,',
      '2,running,,,,,,,,,,1,',
      '3,failed,script-status,3,,0.009,0.575,0.034,0.023,0.017,0.649,1,points/3',
      '',
    ]);
  });

  test('has no control characters of a guest in the cause', async () => {
    const cause = 'COLLECT: name \u001b[31mred\u0007\u009b2J';
    const text = await csvOf(sourceOf([], [{ parameters: {}, record: { cause } }]));
    expect(text).toContain('COLLECT: name red\ufffd\ufffd2J');
  });

  test("makes text of a guest's formulas, in cells and names, and leaves the user's own as they are", async () => {
    const data = {
      ...{ a: '=1+2', b: '+x', c: '-1 dB', d: '@SUM(A1)', e: '\tx', f: '-12345678901234567890', g: -0.5 },
      ...{ h: 'a=1', '=i': '-inf' },
    };
    const text = await csvOf(sourceOf(['p'], [{ parameters: { p: '=1+2' }, record: { data } }]));
    const [header, row] = parseCsv(text);
    expect(header!.slice(-9)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', "'=i"]);
    expect(row!.slice(-9)).toEqual([
      ...["'=1+2", "'+x", "'-1 dB", "'@SUM(A1)", "'\tx", '-12345678901234567890', '-0.5', 'a=1', '-inf'],
    ]);
    expect(row![1]).toBe('=1+2');
  });

  test('any text is read back as it was', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 20 }), async (values) => {
        const rows = parseCsv(
          await csvOf(
            sourceOf(
              ['p'],
              values.map((p) => ({ parameters: { p } })),
            ),
          ),
        );
        expect(rows.slice(1).map((row) => row[1])).toEqual(values);
      }),
      { numRuns: 30 },
    );
  });
});

test('each point gets its own record: of those in between there is none, others have no row', async () => {
  const record = { data: { v: 1 } };
  const [none, some] = [{ parameters: {} }, { parameters: {}, record }];
  const source = sourceOf([], [none, some, none, some, some, none]);
  const states = async (indexes: readonly number[]) => {
    const points = { names: [], points: () => indexes.map((index) => ({ index, parameters: {} })) };
    const rows = [...(await ResultsTable.open({ ...source, points })).rows()];
    return rows.map(([index, state]) => `${String(index)} ${String(state)}`);
  };
  const all = ['0 pending', '1 done', '2 pending', '3 done', '4 done', '5 pending'];
  expect(await states([0, 1, 2, 3, 4, 5])).toEqual(all);
  expect(await states([2, 4, 5])).toEqual(['2 pending', '4 done', '5 pending']);
});

describe('names of data', () => {
  test('that others have get a prefix, as often as it takes', async () => {
    const data = { 'out.n': 1, n: 2, gva_state: 'x', gva_data: 'result.json: bad' };
    const { header, csv, json } = await rowsOf(sourceOf(['n'], [{ parameters: { n: 0 }, record: { data } }]));
    expect(header.slice(-4)).toEqual(['out.n', 'out.out.n', 'out.gva_state', 'gva_data']);
    expect(csv[0]!.slice(-4)).toEqual(['1', '2', 'x', 'result.json: bad']);
    expect(json[0]).toMatchObject({
      n: 0,
      gva_state: 'done',
      'out.n': 1,
      'out.out.n': 2,
      'out.gva_state': 'x',
    });
  });

  test('of every object are names like others, in data and in none', async () => {
    const data = JSON.parse('{"__proto__": 1, "constructor": 2, "toString": 3}') as Row;
    const { header, csv, parquet } = await rowsOf(
      sourceOf(
        [],
        [
          { parameters: {}, record: { data } },
          { parameters: {}, record: { data: {} } },
        ],
      ),
    );
    expect(header.slice(-3)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(csv.map((row) => row.slice(-3))).toEqual([
      ['1', '2', '3'],
      ['', '', ''],
    ]);
    expect(parquet.map((row) => row['constructor'])).toEqual([2, null]);
  });

  test('beyond the limit are left out, and that is told', async () => {
    const points = Array.from({ length: 12 }, (_, point) => ({
      parameters: {},
      record: {
        data: Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${point}_${index}`, 1])),
      },
    }));
    const target = join(scratch(), 'results.csv');
    const { columns, leftOut } = await writeResults('csv', sourceOf([], points), target);
    expect(leftOut).toBe(true);
    expect(columns).toHaveLength(13 + maxDataColumns);
  });
});

describe('Parquet', () => {
  const valuesOf = async (...values: unknown[]) => {
    const points = values.map((v) => ({ parameters: {}, record: { data: { v } } }));
    const { types, parquet } = await rowsOf(sourceOf([], points));
    return { type: types['v'], values: parquet.map(({ v }) => v) };
  };

  test('a column has the type of its values', async () => {
    expect(await valuesOf(1, -(2 ** 31), null)).toEqual({ type: 'INT32', values: [1, -(2 ** 31), null] });
    expect(await valuesOf(1, 2 ** 40)).toEqual({ type: 'INT64', values: [1n, 2n ** 40n] });
    expect(await valuesOf(1, 2 ** 40, 0.5)).toEqual({ type: 'DOUBLE', values: [1, 2 ** 40, 0.5] });
    expect(await valuesOf(true, false)).toEqual({ type: 'BOOLEAN', values: [true, false] });
    expect(await valuesOf(1, 'nan', '-inf')).toEqual({ type: 'DOUBLE', values: [1, NaN, -Infinity] });
    expect(await valuesOf(1, 'x', true)).toEqual({ type: 'BYTE_ARRAY', values: ['1', 'x', 'true'] });
    expect(await valuesOf(1, true)).toEqual({ type: 'BYTE_ARRAY', values: ['1', 'true'] });
    expect(await valuesOf('nan')).toEqual({ type: 'BYTE_ARRAY', values: ['nan'] });
    expect(await valuesOf(null, null)).toEqual({ type: 'BYTE_ARRAY', values: [null, null] });
  });

  test('a value that comes while it is written and is of another type is null', async () => {
    const later = sourceOf([], [{ parameters: {}, record: { data: { v: 'x', w: 2 } } }]);
    const target = join(scratch(), 'results.parquet');
    await writeResults('parquet', { ...later, data: () => [{ v: 1, w: 2 }] }, target);
    const [row] = await parquetReadObjects({ file: await asyncBufferFromFile(target) });
    expect(row).toMatchObject({ v: null, w: 2 });
  });

  test('long tables have several row groups', async () => {
    const points = Array.from({ length: 6_000 }, (_, n) => ({
      parameters: { n },
      record: { data: { n2: n * n } },
    }));
    const target = join(scratch(), 'results.parquet');
    await writeResults('parquet', sourceOf(['n'], points), target);
    const file = await asyncBufferFromFile(target);
    expect((await parquetMetadataAsync(file)).row_groups.length).toBeGreaterThan(1);
    const rows = await parquetReadObjects({ file, columns: ['n', 'n2'] });
    expect(rows).toHaveLength(points.length);
    // One comparison: a million assertions take seconds.
    expect(rows.every(({ n, n2 }, index) => n === index && Number(n2) === index * index)).toBe(true);
  });
});

describe('all formats', () => {
  const cell = fc.oneof(
    ...[fc.boolean(), fc.integer(), fc.maxSafeInteger(), fc.constant(null)],
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'grapheme', maxLength: 10 }),
  );
  const point: fc.Arbitrary<TestPoint> = fc.record(
    {
      parameters: fc.record({
        p: fc.oneof(fc.integer(), fc.boolean(), fc.string()),
        q: fc.float({ noNaN: true, noDefaultInfinity: true }),
      }),
      record: fc.record({
        state: fc.constantFrom('done', 'failed', 'lost', 'running'),
        status: fc.constantFrom(null, 0, 255),
        times: fc.constantFrom(times, null),
        data: fc.dictionary(fc.constantFrom('p', 'a', 'b', 'a.b', 'out.p', '__proto__'), cell),
      }),
    },
    { requiredKeys: ['parameters'] },
  );

  test('say the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(point, { minLength: 1, maxLength: 20 }), async (points) => {
        const { columns, header, csv, json, parquet } = await rowsOf(sourceOf(['p', 'q'], points));
        expect(header.map((name) => name.replace(/^'/, ''))).toEqual(columns);
        expect(csv).toHaveLength(points.length);
        for (const [number, row] of csv.entries())
          for (const [at, name] of columns.entries()) {
            const own = (of: Row) => (Object.hasOwn(of, name) ? (of[name] as DataValue | bigint) : null);
            // __proto__ is no key that every reader of Parquet gives back.
            const texts = [json[number]!, ...(name === '__proto__' ? [] : [parquet[number]!])].map((of) =>
              textOf(own(of)),
            );
            const plain = row[at]!.replace(/^'(?=[=+\-@\t\r])/, '');
            expect([row[at], plain]).toContain(texts[0]);
            for (const text of texts) expect(text).toBe(texts[0]);
          }
      }),
      { numRuns: 40 },
    );
  });

  test('can be tables without a point that has run, or a parameter', async () => {
    const { csv, json, parquet } = await rowsOf(sourceOf([], [{ parameters: {} }]));
    expect(csv).toHaveLength(1);
    expect(json).toMatchObject([{ gva_point: 0, gva_state: 'pending', gva_attempts: 0, gva_folder: null }]);
    expect(parquet).toMatchObject([
      { gva_point: 0n, gva_state: 'pending', gva_attempts: 0, gva_folder: null },
    ]);
  });

  test.each(resultsFormats)('%s replaces the file before, or leaves it', async (format) => {
    const folder = scratch();
    const target = join(folder, 'results');
    writeFileSync(target, 'before');
    const source = sourceOf(['n'], [{ parameters: { n: 1 } }]);
    const broken: ResultsSource = {
      ...source,
      ends: () => {
        throw new Error('broken');
      },
    };
    await expect(writeResults(format, broken, target)).rejects.toThrow('broken');
    expect(readFileSync(target, 'utf8')).toBe('before');
    await writeResults(format, source, target);
    expect(readFileSync(target, 'utf8')).not.toBe('before');
    expect(readdirSync(folder)).toEqual(['results']);
  });

  test('both texts are written at once, and are whole', async () => {
    const points = Array.from({ length: 3000 }, (_, n) => ({
      parameters: { n },
      record: { data: { text: 'x'.repeat(n % 200) } },
    }));
    const source = sourceOf(['n'], points);
    const [csv, jsonl] = [join(scratch(), 'a'), join(scratch(), 'b')];
    const { columns } = await writeTexts(source, { csv, jsonl });
    const table = await ResultsTable.open(source);
    expect(readFileSync(csv, 'utf8')).toBe(textOfTable(csvFormat, table));
    expect(readFileSync(jsonl, 'utf8')).toBe(textOfTable(jsonFormat, table));
    expect(columns.at(-1)).toBe('text');
  });

  test.each(resultsFormats)('%s: where it cannot be written is told', async (format) => {
    const target = join(scratch(), 'none', 'results');
    await expect(writeResults(format, sourceOf([], [{ parameters: {} }]), target)).rejects.toMatchObject({
      ...{ name: 'GvaError', code: 'OUT_UNUSABLE', cause: { code: 'ENOENT' } },
    });
  });
});

function textOf(value: DataValue | bigint): string {
  // Only Parquet knows of -0.
  return value === null ? '' : Object.is(value, -0) ? '0' : String(value);
}
