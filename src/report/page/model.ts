import { allRows } from '../chart/field.js';
import { rowCount } from '../columns.js';
import type { ReportColumn } from '../data.js';

/** The table that all parts of a page show, and the rows that are chosen at present. */
export class Model {
  #columns: readonly ReportColumn[];
  #rows: number;
  #chosen: Int32Array;
  readonly #listeners = new Set<() => void>();

  constructor(columns: readonly ReportColumn[]) {
    this.#columns = columns;
    this.#rows = rowCount(columns);
    this.#chosen = allRows(this.#rows);
  }

  get columns(): readonly ReportColumn[] {
    return this.#columns;
  }

  /** Number of all rows. */
  get rows(): number {
    return this.#rows;
  }

  /** In the order of the plan. */
  get chosen(): Int32Array {
    return this.#chosen;
  }

  choose(test: (row: number) => boolean): void {
    this.#chosen = allRows(this.#rows).filter(test);
    this.#tell();
  }

  /** New data have come. */
  replace(columns: readonly ReportColumn[], test: (row: number) => boolean = () => true): void {
    this.#columns = columns;
    this.#rows = rowCount(columns);
    this.choose(test);
  }

  /** Calls it whenever rows or data are others. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
