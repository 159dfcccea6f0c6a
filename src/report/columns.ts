import type { ColumnRole, ReportColumn } from './data.js';

export type CellValue = string | number | boolean | null;

/** Characters of a text that are shown; of a longer one, the file has the rest. */
const longestText = 300;
/** Characters of all words of one column. */
const longestColumn = 8 << 20;

/** Makes a column of its cells, which come row by row. */
export class ColumnBuilder {
  readonly name: string;
  readonly role: ColumnRole;
  readonly #isTime: boolean;
  readonly #values: (number | null)[] = [];
  readonly #texts = new Map<number, string>();
  readonly #numbers = { count: 0 };
  #characters = 0;
  #cut = false;

  constructor(name: string, role: ColumnRole, { isTime = false } = {}) {
    this.name = name;
    this.role = role;
    this.#isTime = isTime;
  }

  get rows(): number {
    return this.#values.length;
  }

  /** Some texts are not there as they were. */
  get cut(): boolean {
    return this.#cut;
  }

  /** Cells of rows that had none up to this one are empty. */
  add(row: number, value: CellValue | undefined): void {
    while (this.#values.length < row) this.#values.push(null);
    if (value === null || value === undefined) this.#values.push(null);
    else if (typeof value === 'number') this.#addNumber(value);
    else if (this.#isTime && typeof value === 'string' && !Number.isNaN(Date.parse(value)))
      this.#addNumber(Date.parse(value));
    else this.#addText(row, String(value));
  }

  /** @param rows of the table */
  column(rows: number): ReportColumn {
    while (this.#values.length < rows) this.#values.push(null);
    const { name, role } = this;
    if (this.#isTime) return { name, role, kind: 'time', values: this.#values };
    const special = this.#texts.size;
    if (special === 0 || (special <= this.#numbers.count && [...this.#texts.values()].every(isSpecial)))
      return {
        ...{ name, role, kind: 'number', values: this.#values },
        ...(special > 0 ? { texts: Object.fromEntries(this.#texts) } : {}),
      };
    return this.#textColumn();
  }

  #addNumber(value: number): void {
    this.#values.push(value);
    this.#numbers.count++;
  }

  #addText(row: number, text: string): void {
    this.#values.push(null);
    const shown = text.length > longestText ? `${text.slice(0, longestText)}…`.toWellFormed() : text;
    this.#cut ||= shown !== text || this.#characters > longestColumn;
    if (this.#characters > longestColumn) return;
    this.#characters += shown.length;
    this.#texts.set(row, shown);
  }

  #textColumn(): ReportColumn {
    const known = new Map<string, number>();
    const codes = this.#values.map((value, row) => {
      const text = this.#texts.get(row) ?? (value === null ? undefined : String(value));
      if (text === undefined) return -1;
      const code = known.get(text) ?? known.size;
      known.set(text, code);
      return code;
    });
    return { name: this.name, role: this.role, kind: 'text', words: [...known.keys()], codes };
  }
}

/** How programs print what is no number. */
const isSpecial = (text: string) => /^[-+]?(?:nan|inf|infinity)$/i.test(text);

/** The text of a cell; empty where there is none. */
export function cellText(column: ReportColumn, row: number): string {
  if (column.kind === 'text') return column.words[column.codes[row] ?? -1] ?? '';
  const value = column.values[row];
  if (column.kind === 'time') return typeof value === 'number' ? new Date(value).toISOString() : '';
  return typeof value === 'number' ? String(value) : (column.texts?.[row] ?? '');
}

/** The number of a cell; NaN where it is none. */
export function cellNumber(column: ReportColumn, row: number): number {
  return column.kind === 'text' ? NaN : (column.values[row] ?? NaN);
}

export const columnNamed = (columns: readonly ReportColumn[], name: string): ReportColumn | undefined =>
  columns.find((column) => column.name === name);

/** Number of rows of a table. */
export function rowCount(columns: readonly ReportColumn[]): number {
  const [first] = columns;
  return first ? (first.kind === 'text' ? first.codes : first.values).length : 0;
}
