import { Column } from './column.js';
import { type DataValue, dataPrefix } from './data-values.js';

/** Columns of data that a table has at most: each point of a hostile guest could have others. */
export const maxDataColumns = 1000;

/** A column of what the programs wrote, in the order in which the names appear. */
export class DataColumn extends Column {
  /** Name of the value in the data of a point. */
  readonly key: string;

  constructor(key: string, name: string) {
    super(name, { guest: true });
    this.key = key;
  }
}

/** The names that any point has data for; each gets a column of its own. */
export class DataColumns {
  readonly #taken: Set<string>;
  readonly #columns = new Map<string, DataColumn>();
  #leftOut = false;

  /** @param taken names of the other columns; data of that name get the prefix `out.` */
  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
  }

  get list(): readonly DataColumn[] {
    return [...this.#columns.values()];
  }

  /** Some names have no column, as there were too many. */
  get leftOut(): boolean {
    return this.#leftOut;
  }

  /** Shows the data of one point. */
  note(data: Readonly<Record<string, unknown>> | undefined): void {
    for (const key in data) this.#columnOf(key)?.note(dataValue(data, key));
  }

  #columnOf(key: string): DataColumn | undefined {
    const known = this.#columns.get(key);
    if (known) return known;
    if (this.#columns.size >= maxDataColumns) {
      this.#leftOut = true;
      return undefined;
    }
    let name = key;
    while (this.#taken.has(name)) name = dataPrefix + name;
    const column = new DataColumn(key, name);
    this.#taken.add(name);
    this.#columns.set(key, column);
    return column;
  }
}

/** A value of a record's data; the store may have been written by a later version. */
export function dataValue(
  data: Readonly<Record<string, unknown>> | undefined,
  key: string,
): DataValue | undefined {
  // Not what an object inherits.
  if (data === undefined || !Object.hasOwn(data, key)) return undefined;
  const value = data[key];
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return JSON.stringify(value);
}
