import { csvCell, guestCell } from './csv.js';
import type { Cell, ResultsTable } from './table.js';

type Table = Pick<ResultsTable, 'columns' | 'rows'>;

/** RFC 4180 with the header. What is not known is an empty field. */
export function* csvLines(table: Table): Generator<string> {
  const guest = table.columns.map((column) => column.guest);
  const names = table.columns.map(({ name }) => name);
  yield csvLine(names, guest);
  for (const row of table.rows()) yield csvLine(row, guest);
}

function csvLine(row: readonly Cell[], guest: readonly boolean[]): string {
  let line = '';
  for (let index = 0; index < row.length; index++) {
    const value = row[index];
    if (index > 0) line += ',';
    if (typeof value === 'string') line += guest[index] ? guestCell(value) : csvCell(value);
    else if (value !== null && value !== undefined) line += String(value);
  }
  return `${line}\r\n`;
}

/**
 * JSON Lines: an object for each point. What GVA does not know is null; data that a point has not are not in its object.
 */
export function* jsonLines(table: Table): Generator<string> {
  const names = table.columns.map(({ name }) => `${JSON.stringify(name)}:`);
  for (const row of table.rows()) {
    let line = '';
    for (let index = 0; index < row.length; index++) {
      const value = row[index];
      if (value !== undefined)
        line += `${line === '' ? '{' : ','}${names[index] ?? ''}${JSON.stringify(value)}`;
    }
    yield `${line}}\n`;
  }
}
