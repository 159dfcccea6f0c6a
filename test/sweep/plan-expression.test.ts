import { describe, expect, test } from 'vitest';
import type { ParameterValue } from '../../src/model/parameter.js';
import { compileCondition } from '../../src/sweep/plan/expression.js';

type Values = Record<string, ParameterValue>;

const values: Values = {
  index: 1,
  inner: 2,
  log: 3,
  n: 6,
  x: 0.5,
  mode: 'fast',
  day: '2026-03-01',
  flag: true,
};

function holds(text: string): boolean {
  const variables = new Map(
    Object.entries(values).map(([name, value]) => {
      const type = typeof value as 'number' | 'string' | 'boolean';
      return [name, { type, read: (all: Values) => all[name] ?? '' }] as const;
    }),
  );
  return compileCondition(text, variables)(values);
}

describe('a condition', () => {
  test.each([
    'n == 6',
    'n != 5 && x < 1',
    'n > 10 || flag',
    '!(n > 10)',
    'n + 2 * 3 == 12',
    '(n + 2) * 3 == 24',
    'n % 4 == 2',
    '-n == 0 - 6',
    '7 / 2 == 3.5',
    'mode == "fast"',
    "mode in ['slow', 'fast']",
    'n in [1, 2 * 3]',
    'day >= "2026-02-28" && day < "2026-10-01"',
    'flag == true',
    'flag ? n > 5 : n < 5',
    '(n > 5 ? x : n) == 0.5',
    'sqrt(n * n) == n',
    'min(n, 3, x) == 0.5 && max(n, 7) == 7',
    'round(log10(1000)) == 3 && pow(2, 3) == 8 && abs(-1) == 1',
    'true',
    'index < inner && inner in [index, 2] && log(1) < log',
    '1e3 === 1000 && n !== 7',
    '1 / 0 > 1e308 && !(0 / 0 == 0 / 0)',
  ])('%s', (text) => {
    expect(holds(text)).toBe(true);
    expect(holds(`!(${text})`)).toBe(false);
  });

  test.each([
    ['', 'is empty'],
    ['n', 'is a number, not a condition: compare it with something'],
    ['n == "6"', 'has == with number and string'],
    ['1 < n < 9', 'has < with boolean and number'],
    ['n && flag', 'has && with number and boolean'],
    ['mode + "x" == "fastx"', 'has + with string and string'],
    ['!n', 'has ! with number'],
    ['k == 1', 'names k, which is not known here; known: index, inner, log, n, x, mode, day, flag'],
    ['n = 6', 'cannot be read: Unexpected "=" at character 2 (to compare, write ==)'],
    ['n == 6 n', 'has something behind its end'],
    ['n == 6; true', 'has something behind its end'],
    ['(n == ', 'cannot be read: Expected expression after == at character 6'],
    ['sin == 1', 'names the function sin without (...)'],
    ['sin(1, 2) == 1', 'has sin with number and number'],
    ['sin() == 1', 'has sin with nothing'],
    ['min(mode) == 1', 'has min with string'],
    ['n in 6', 'has no list behind "in": x in [1, 2]'],
    ['n in ["a"]', 'looks for a number in a list that has something else in it'],
    ['n in [1,,2]', 'looks for a number in a list that has something else in it'],
    ['[1] == [1]', 'has a list where a value must be: lists stand behind "in"'],
    ['flag ? n : mode', 'has a number and a string on the two sides of ":"'],
    ['n ? true : false', 'has a number before "?", where a condition must be'],
    ['null == null', 'has null in it'],
    ['n ?? 1 == 1', 'has ?? with number and boolean'],
    ['n | 1 == 1', 'has | with number and boolean'],
    [`${'1 + '.repeat(400)}1 == 1`, 'is longer than 1000 characters'],
  ])('%s is refused', (text, message) => {
    expect(() => holds(text)).toThrow(message);
  });

  test.each([
    'constructor == 1',
    '__proto__ == 1',
    'toString() == "x"',
    'constructor("return 1")() == 1',
    'mode.length == 4',
    'mode["constructor"] == 1',
    'this == 1',
    'process.exit(1)',
    'sin.constructor("x")() == 1',
    '(n, 1) == 1',
    'hasOwnProperty("n")',
    'n["constructor"]["constructor"]("return process")().exit(3) == 1',
  ])('%s does not reach anything of JavaScript', (text) => {
    expect(() => holds(text)).toThrow(expect.objectContaining({ code: 'EXPRESSION' }));
  });

  test('with many brackets is read or refused, and nothing worse', () => {
    expect(holds(`${'('.repeat(400)}n == 6${')'.repeat(400)}`)).toBe(true);
    expect(() => holds('!'.repeat(999))).toThrow(expect.objectContaining({ code: 'EXPRESSION' }));
    expect(holds(`${'!'.repeat(990)}flag`)).toBe(true);
  });
});
