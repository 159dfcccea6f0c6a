import type { DataValue } from './data-values.js';
import { specialNumber } from './exact-number.js';

/** What all values of a column are; `text` also where they differ, or there are none. */
export type ColumnType = 'boolean' | 'int32' | 'int64' | 'double' | 'text';

/** Kinds of values, as bits. */
const kind = { boolean: 1, int32: 2, int64: 4, double: 8, special: 16, text: 32 } as const;

/** A column of the table of results. Its type is found from the values that it was shown. */
export class Column {
  readonly name: string;
  /** Its values come from a guest. */
  readonly guest: boolean;
  readonly #type: ColumnType | undefined;
  #kinds = 0;

  constructor(name: string, { type, guest = false }: { type?: ColumnType; guest?: boolean } = {}) {
    this.name = name;
    this.guest = guest;
    this.#type = type;
  }

  note(value: DataValue | undefined): void {
    if (value !== null && value !== undefined) this.#kinds |= kindOf(value);
  }

  get type(): ColumnType {
    if (this.#type !== undefined) return this.#type;
    const kinds = this.#kinds;
    if (kinds === kind.boolean) return 'boolean';
    if (kinds === 0 || kinds === kind.special || (kinds & (kind.boolean | kind.text)) !== 0) return 'text';
    if ((kinds & (kind.double | kind.special)) !== 0) return 'double';
    return (kinds & kind.int64) !== 0 ? 'int64' : 'int32';
  }
}

function kindOf(value: Exclude<DataValue, null>): number {
  if (typeof value === 'boolean') return kind.boolean;
  if (typeof value === 'string') return specialNumber(value) === undefined ? kind.text : kind.special;
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return kind.double;
  return value === (value | 0) ? kind.int32 : kind.int64;
}
