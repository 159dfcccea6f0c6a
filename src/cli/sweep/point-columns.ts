import type { ResultRow } from '../../sweep/observe/rows.js';
import type { TextColumn } from './text-table.js';

/** The columns of GVA that are shown, and their titles; parameters and data keep their names. */
const before = { gva_point: 'point', gva_state: 'state' };
const after = { gva_total_s: 'seconds', gva_attempts: 'attempts', gva_cause: 'cause' };

/** Columns of a table of points: what matters most first, and none that is empty. */
export function pointColumns(rows: readonly ResultRow[]): TextColumn[] {
  const names = new Set<string>();
  for (const row of rows) for (const name of Object.keys(row)) names.add(name);
  const others = [...names].filter((name) => !name.startsWith('gva_')).map((name) => [name, name]);
  const chosen = [...Object.entries(before), ...others, ...Object.entries(after)];
  return chosen
    .map(([name = '', title = '']) => columnOf(rows, name, title))
    .filter(({ cells }) => cells.some((cell) => cell !== ''));
}

function columnOf(rows: readonly ResultRow[], name: string, title: string): TextColumn {
  const values = rows.map((row) => row[name] ?? '');
  const right = values.every((value) => typeof value === 'number' || value === '');
  return { title, cells: values.map((value) => textOf(value)), right };
}

// A row is what a file says, which may be more than a table has.
const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
