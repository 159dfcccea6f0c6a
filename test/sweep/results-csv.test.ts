import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InstanceTimes } from '../../src/model/result.js';
import { csvCell, headerRow, outcomeCells, pendingCells, pointRow } from '../../src/sweep/results-csv.js';

const times: InstanceTimes = {
  ...{ staged: 0.009, booted: 0.486, ready: 0.579, scriptsStarted: 0.584 },
  ...{ scriptsEnded: 0.618, poweredOff: 0.641, collected: 0.649 },
};

/** A reader of RFC 4180, written from its grammar. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (!match) throw new Error('no CSV');
    row.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

test('the header has the point, the parameters in declared order, and what GVA knows', () => {
  expect(headerRow(['n', 'mode'])).toBe(
    'gva_point,n,mode,gva_state,gva_cause,gva_status,' +
      'gva_boot_s,gva_script_s,gva_shutdown_s,gva_other_s,gva_total_s,gva_folder\r\n',
  );
});

describe('a row', () => {
  test('of a point that is done: the times add up', () => {
    const cells = outcomeCells({ state: 'done', status: 0, times }, 'points/0000/0000003');
    expect(pointRow(3, { n: 12, mode: 'fast' }, cells)).toBe(
      '3,12,fast,done,,0,0.575,0.034,0.023,0.017,0.649,points/0000/0000003\r\n',
    );
  });

  test('of a failed one has the cause and the status', () => {
    const outcome = { state: 'failed', cause: 'script-status', message: 'long', status: 3, times } as const;
    expect(outcomeCells(outcome, 'p')).toBe('failed,script-status,3,0.575,0.034,0.023,0.017,0.649,p');
  });

  test('leaves empty what is not known', () => {
    const cut = { ...times, scriptsEnded: null };
    const outcome = { state: 'lost', cause: 'timeout', status: null, times: cut } as const;
    expect(outcomeCells(outcome, 'p')).toBe('lost,timeout,,0.575,,,,0.649,p');
    expect(outcomeCells({ state: 'lost', status: null, times: null }, undefined)).toBe('lost,,,,,,,,');
  });

  test('of a point that was not run has as many columns', () => {
    const columns = (line: string) => line.split(',').length;
    expect(pendingCells).toBe('pending,,,,,,,,');
    expect(columns(`0,${pendingCells}`)).toBe(columns(headerRow([])));
  });

  test('has values with commas, quotes and line ends in quotes, and formulas as they are', () => {
    const values = { a: 'x,y', b: 'say "hi"', c: 'two\nlines', d: '=1+2', e: ' ', f: true, g: -0.5 };
    expect(pointRow(0, values, pendingCells)).toBe(
      `0,"x,y","say ""hi""","two\nlines",=1+2, ,true,-0.5,${pendingCells}\r\n`,
    );
  });

  test('keeps control characters of the guest out', () => {
    const cause = 'COLLECT: name \u001b[31mred\u0007\u009b2J\nnext\tline';
    expect(outcomeCells({ state: 'lost', cause, status: null, times: null }, undefined)).toBe(
      'lost,"COLLECT: name red\ufffd\ufffd2J\nnext\tline",,,,,,,',
    );
  });
});

test('any text is read back as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.string({ unit: 'binary' }), { minLength: 2 })), (rows) => {
      const text = rows.map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
      expect(parseCsv(text)).toEqual(rows);
    }),
  );
});
