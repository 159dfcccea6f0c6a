import { csvCell, guestCell } from '../system/csv.js';
import { formatNumber } from './chart/numbers.js';
import { cellText } from './columns.js';
import type { ReportColumn } from './data.js';

/** The rows as CSV (RFC 4180), as `results.csv` has them: a guest's text is no formula of a spreadsheet. */
export function csvOf(columns: readonly ReportColumn[], rows: ArrayLike<number>): string {
  const cell = (column: ReportColumn, text: string) =>
    column.role === 'result' ? guestCell(text) : csvCell(text);
  const lines = [columns.map((column) => cell(column, column.name)).join(',')];
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] ?? 0;
    lines.push(columns.map((column) => cell(column, cellText(column, row))).join(','));
  }
  return `${lines.join('\r\n')}\r\n`;
}

/** As people read it in a table: numbers with at most six digits, moments without their date's T. */
export function shownText(column: ReportColumn, row: number): string {
  if (column.kind === 'time') return cellText(column, row).replace('T', ' ').replace('Z', '');
  const value = column.kind === 'number' ? column.values[row] : undefined;
  if (typeof value !== 'number') return cellText(column, row);
  return Number.isInteger(value) && Math.abs(value) < 1e9 ? String(value) : formatNumber(value, 6);
}

/**
 * The order of rows by a column, equal ones as they were; what is empty comes last either way.
 *
 * @param rows is sorted in place
 */
export function sortRows(rows: Int32Array, column: ReportColumn, descending: boolean): void {
  const keys = keysOf(column);
  const sign = descending ? -1 : 1;
  rows.sort((a, b) => {
    const [x, y] = [keys[a] ?? NaN, keys[b] ?? NaN];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a - b;
    return sign * (x - y) || a - b;
  });
}

function keysOf(column: ReportColumn): Float64Array {
  if (column.kind !== 'text') return Float64Array.from(column.values, (value) => value ?? NaN);
  const collator = new Intl.Collator('en', { numeric: true });
  const order = column.words
    .map((word, code) => ({ word, code }))
    .sort((a, b) => collator.compare(a.word, b.word));
  const ranks = new Float64Array(column.words.length);
  for (const [rank, { code }] of order.entries()) ranks[code] = rank;
  return Float64Array.from(column.codes, (code) => ranks[code] ?? NaN);
}
