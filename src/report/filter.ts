import { cellNumber, cellText, columnNamed } from './columns.js';
import { titleOf } from './chart/field.js';
import type { ReportColumn } from './data.js';

/** Whether a row is wanted. */
export type RowTest = (row: number) => boolean;

/** What is wrong with a filter, as a sentence. */
export class FilterError extends Error {}

const term = /(?:("[^"]+"|[^\s=<>!~"]+)\s*(>=|<=|!=|=|>|<|~)\s*("[^"]*"|\S+))|("[^"]*"|\S+)/g;

/**
 * A filter as people type it: terms, all of which must hold. `n>3`, `mode=fast`, `state!=done`, `note~disk` (has it in
 * it); a word alone is looked for in all texts, a number also among the points. Names and values with spaces are in
 * quotes.
 *
 * @throws FilterError
 */
export function parseFilter(text: string, columns: readonly ReportColumn[]): RowTest {
  const tests = [...text.matchAll(term)].map(([, name, operator, value, word]) =>
    name !== undefined && operator !== undefined
      ? comparison(columnFor(columns, unquoted(name)), operator, unquoted(value ?? ''))
      : anywhere(columns, unquoted(word ?? '')),
  );
  return (row) => tests.every((test) => test(row));
}

const unquoted = (text: string) => text.replace(/^"(.*)"$/, '$1');

function columnFor(columns: readonly ReportColumn[], name: string): ReportColumn {
  const lower = name.toLowerCase();
  const found =
    columnNamed(columns, name) ??
    columns.find((column) =>
      [column.name, titleOf(column.name)].some((each) => each.toLowerCase() === lower),
    );
  if (!found) throw new FilterError(`There is no column ${name}.`);
  return found;
}

function comparison(column: ReportColumn, operator: string, value: string): RowTest {
  if (operator === '~') {
    const part = value.toLowerCase();
    return (row) => cellText(column, row).toLowerCase().includes(part);
  }
  const number = Number(value);
  const isNumber = value.trim() !== '' && !Number.isNaN(number);
  if (operator === '=' || operator === '!=') {
    const equal: RowTest = (row) =>
      cellText(column, row) === value || (isNumber && cellNumber(column, row) === number);
    return operator === '=' ? equal : (row) => !equal(row);
  }
  if (!isNumber) throw new FilterError(`${value} is no number: ${column.name} ${operator} needs one.`);
  if (column.kind === 'text')
    throw new FilterError(`${column.name} has texts: they are compared by = and ~ only.`);
  switch (operator) {
    case '>':
      return (row) => cellNumber(column, row) > number;
    case '<':
      return (row) => cellNumber(column, row) < number;
    case '>=':
      return (row) => cellNumber(column, row) >= number;
    default:
      return (row) => cellNumber(column, row) <= number;
  }
}

/** Words are looked up once for each different text, not for each row. */
function anywhere(columns: readonly ReportColumn[], word: string): RowTest {
  const part = word.toLowerCase();
  const point = columnNamed(columns, 'gva_point');
  const tests: RowTest[] = [];
  if (point && part !== '' && !Number.isNaN(Number(part)))
    tests.push((row) => cellNumber(point, row) === Number(part));
  for (const column of columns) {
    if (column.kind !== 'text') continue;
    const matching = new Set<number>();
    for (const [code, text] of column.words.entries())
      if (text.toLowerCase().includes(part)) matching.add(code);
    if (matching.size > 0) tests.push((row) => matching.has(column.codes[row] ?? -1));
  }
  return (row) => tests.some((test) => test(row));
}
