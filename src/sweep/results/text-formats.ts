import { csvCell, guestCell } from '../../system/csv.js';
import type { Cell, ResultsTable } from './table.js';

/** A text format: what comes before the rows, and the line of each. */
export interface TextFormat {
  readonly head: string;
  readonly line: (row: readonly Cell[]) => string;
}

/** RFC 4180 with the header. What is not known is an empty field. */
export function csvFormat(columns: ResultsTable['columns']): TextFormat {
  const guest = columns.map((column) => column.guest);
  const line = (row: readonly Cell[]) => csvLine(row, guest);
  return { head: line(columns.map(({ name }) => name)), line };
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
export function jsonFormat(columns: ResultsTable['columns']): TextFormat {
  const names = columns.map(({ name }) => `${JSON.stringify(name)}:`);
  return { head: '', line: (row) => jsonLine(row, names) };
}

function jsonLine(row: readonly Cell[], names: readonly string[]): string {
  let line = '';
  for (let index = 0; index < row.length; index++) {
    const value = row[index];
    if (value !== undefined)
      line += `${line === '' ? '{' : ','}${names[index] ?? ''}${JSON.stringify(value)}`;
  }
  return `${line}}\n`;
}
