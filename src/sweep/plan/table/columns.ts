import {
  type ParameterDeclaration,
  type ParameterValue,
  parameterFromText,
  parameterProblem,
} from '../../../model/parameter.js';
import { isMapping } from '../entry.js';
import { shown } from '../numbers.js';
import { TableError, type TableFormat, cellsOf, placeOfCell } from './cells.js';
import type { RawRecord } from './records.js';

/** A column of a table: the parameter whose values it has, or none, where it is to be left out. */
export interface Column {
  readonly name: string;
  readonly parameter?: { readonly declaration: ParameterDeclaration; readonly number: number };
}

/** Takes records of a table apart. */
export interface RecordParser {
  readonly columns: readonly Column[];
  /**
   * The values of a record, in the order of the columns.
   *
   * @throws TableError at the first mistake
   */
  values(record: RawRecord): ParameterValue[];
}

export interface ColumnRules {
  readonly parameters: readonly ParameterDeclaration[];
  /** Columns that are no parameters, and are meant to be there. */
  readonly ignore: readonly string[];
  /** What to say of a column that is neither. */
  readonly unknown: (name: string) => string;
  /** Is told the numbers of the parameters that have columns. */
  readonly onColumns?: (parameters: ReadonlySet<number>) => void;
}

/** The columns by their names; `fail` takes what is wrong with the one of that number. */
export function findColumns(
  names: readonly string[],
  { parameters, ignore, unknown }: ColumnRules,
  fail: (number: number, message: string) => void,
): Column[] {
  return names.map((name, index): Column => {
    const number = parameters.findIndex((declaration) => declaration.name === name);
    const declaration = parameters[number];
    if (names.indexOf(name) !== index) fail(index, `the column ${shown(name)} is there twice`);
    if (ignore.includes(name)) return { name };
    if (declaration) return { name, parameter: { declaration, number } };
    fail(index, unknown(name));
    return { name };
  });
}

export function recordParser(format: TableFormat, columns: readonly Column[]): RecordParser {
  return format === 'jsonl' ? new ObjectParser(columns) : new CellParser(format, columns);
}

class CellParser implements RecordParser {
  readonly columns: readonly Column[];
  readonly #format: 'csv' | 'tsv';

  constructor(format: 'csv' | 'tsv', columns: readonly Column[]) {
    this.#format = format;
    this.columns = columns;
  }

  values({ text, line }: RawRecord): ParameterValue[] {
    const cells = cellsOf(text, line, this.#format);
    const { columns } = this;
    if (cells.length !== columns.length)
      throw new TableError(
        line,
        1,
        `has ${counted(cells.length, 'cell')}, and the table ${counted(columns.length, 'column')}`,
      );
    const values: ParameterValue[] = [];
    // No iterator: a table may have a million rows.
    for (let index = 0; index < columns.length; index++) {
      const { name = '', parameter } = columns[index] ?? {};
      if (!parameter) continue;
      const cell = cells[index] ?? '';
      const { declaration } = parameter;
      const value = parameterFromText(
        declaration.type,
        declaration.type === 'bool' ? cell.toLowerCase() : cell,
      );
      const problem = parameterProblem(declaration, value);
      if (problem !== undefined)
        throw new TableError(...placeOfCell(text, line, this.#format, index), `${name}: ${problem}`);
      values.push(value);
    }
    return values;
  }
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

class ObjectParser implements RecordParser {
  readonly columns: readonly Column[];

  constructor(columns: readonly Column[]) {
    this.columns = columns;
  }

  values({ text, line }: RawRecord): ParameterValue[] {
    const object = objectOf(text, line);
    const values: ParameterValue[] = [];
    for (const { name, parameter } of this.columns) {
      if (!Object.hasOwn(object, name))
        throw new TableError(line, 1, `lacks ${name}, which the first line has`);
      if (!parameter) continue;
      const value = object[name];
      const known = typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
      const problem = known
        ? parameterProblem(parameter.declaration, value)
        : 'must be a number, a string, true or false';
      if (problem !== undefined) throw new TableError(line, 1, `${name}: ${problem}`);
      values.push(value as ParameterValue);
    }
    const extra = Object.keys(object).find((key) => !this.columns.some(({ name }) => name === key));
    if (extra !== undefined)
      throw new TableError(line, 1, `has ${shown(extra)}, which the first line has not`);
    return values;
  }
}

/** @throws TableError */
export function objectOf(text: string, line: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch (error) {
    throw new TableError(line, 1, `is no JSON: ${(error as Error).message}`);
  }
  if (!isMapping(value)) throw new TableError(line, 1, 'must be an object such as {"n": 1}');
  return value;
}
