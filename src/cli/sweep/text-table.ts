import { printable } from '../../vmm/console-ring.js';
import { outputColours as pc } from '../colours.js';

/** Widest cell; longer values are cut. */
const widestCell = 40;

export interface TextColumn {
  readonly title: string;
  readonly cells: readonly string[];
  /** Numbers: flush with the right. */
  readonly right?: boolean;
  /** Cells are shown whole. */
  readonly wide?: boolean;
}

/**
 * A table that fits: columns that do not are named below it.
 *
 * @param width of the terminal, in characters
 * @param least number of columns that are shown in any case
 */
export function textTable(columns: readonly TextColumn[], width: number, least = 2): string {
  const cut = columns.map((column) => ({
    ...column,
    cells: column.cells.map((text) => (column.wide ? oneLine(text) : shortly(text))),
  }));
  const shown = cut.slice(0, fitting(cut, width, least));
  const rows = shown[0]?.cells.length ?? 0;
  const line = (cells: readonly string[]) => lineOf(shown, cells);
  const body = Array.from({ length: rows }, (_, row) => line(shown.map(({ cells }) => cells[row] ?? '')));
  const left = columns.slice(shown.length).map(({ title }) => shortly(title));
  const rest = left.length > 0 ? [`not shown: ${left.join(', ')}`] : [];
  const header = pc.bold(line(shown.map(({ title }) => shortly(title))));
  return [header, ...body, ...rest].map((text) => `${text}\n`).join('');
}

/** Characters in a line; many where there is no terminal. */
export const lineWidth = ({ columns }: { readonly columns?: number | undefined }) => columns ?? 200;

/** In one line, and short. */
export function shortly(text: string): string {
  const line = oneLine(text);
  return line.length > widestCell ? `${line.slice(0, widestCell - 1)}…` : line;
}

const oneLine = (text: string) => printable(text).replace(/\s+/g, ' ');

function lineOf(columns: readonly TextColumn[], cells: readonly string[]): string {
  const padded = columns.map((column, index) => {
    const cell = cells[index] ?? '';
    return column.right ? cell.padStart(widthOf(column)) : cell.padEnd(widthOf(column));
  });
  return padded.join('  ').trimEnd();
}

const widthOf = ({ title, cells }: TextColumn) =>
  cells.reduce((most, cell) => Math.max(most, cell.length), shortly(title).length);

function fitting(columns: readonly TextColumn[], width: number, least: number): number {
  let used = -2;
  const first = columns.findIndex((column) => (used += widthOf(column) + 2) > width);
  return first < 0 ? columns.length : Math.max(first, least);
}
