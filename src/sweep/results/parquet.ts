import type { FileHandle } from 'node:fs/promises';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { packageVersion } from '../../system/package.js';
import type { Column, ColumnType } from './column.js';
import { specialNumber } from './exact-number.js';
import type { Cell, ResultsTable } from './table.js';

/** A row group ends when it has so many cells, or characters of text: the rows of one are in memory. */
const groupCells = 1 << 15;
const groupText = 2 << 20;

const physical: Readonly<Record<ColumnType, Partial<SchemaElement>>> = {
  boolean: { type: 'BOOLEAN' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
};

/**
 * Writes the table as Apache Parquet, compressed by Snappy. A column has the type of its values, all of which may be null;
 * where they differ, it is text. A value that came up later and is not of its column's type is null.
 *
 * @param table opened with its types
 */
export async function writeParquet(
  table: Pick<ResultsTable, 'columns' | 'rows'>,
  file: FileHandle,
  signal?: AbortSignal,
): Promise<void> {
  const { columns } = table;
  const types = columns.map(({ type }) => type);
  const target = new FileWriter(file);
  const writer = new ParquetWriter({
    writer: target,
    schema: schemaOf(columns, types),
    createdBy: `GVA version ${packageVersion()}`,
  });
  let group = new RowGroup(columns, types);
  const write = async () => {
    if (group.size > 0) await writer.write({ columnData: group.columnData, rowGroupSize: group.size });
    group = new RowGroup(columns, types);
    signal?.throwIfAborted();
  };
  for (const row of table.rows()) {
    group.add(row);
    if (group.full) await write();
  }
  await write();
  await writer.finish();
  await target.flush();
}

function schemaOf(columns: readonly Column[], types: readonly ColumnType[]): SchemaElement[] {
  const elements = columns.map(({ name }, index): SchemaElement => ({
    name,
    ...physical[types[index] ?? 'text'],
    repetition_type: 'OPTIONAL',
  }));
  return [{ name: 'results', num_children: columns.length }, ...elements];
}

class RowGroup {
  readonly columnData: { name: string; data: (Cell | bigint)[]; statistics: boolean }[];
  readonly #types: readonly ColumnType[];
  #text = 0;

  constructor(columns: readonly Column[], types: readonly ColumnType[]) {
    this.columnData = columns.map(({ name, guest }) => ({
      name,
      data: [],
      // They are kept in memory until the end, and a guest's may be long.
      statistics: !guest,
    }));
    this.#types = types;
  }

  get size(): number {
    return this.columnData[0]?.data.length ?? 0;
  }

  get full(): boolean {
    return this.size * this.columnData.length >= groupCells || this.#text >= groupText;
  }

  add(row: readonly Cell[]): void {
    for (let index = 0; index < row.length; index++) {
      const value = typed(row[index], this.#types[index] ?? 'text');
      if (typeof value === 'string') this.#text += value.length;
      this.columnData[index]?.data.push(value);
    }
  }
}

function typed(value: Cell, type: ColumnType): Cell | bigint {
  if (value === null || value === undefined) return null;
  if (type === 'text') return String(value);
  if (type === 'boolean') return typeof value === 'boolean' ? value : null;
  if (type === 'double' && typeof value === 'string') return specialNumber(value) ?? null;
  if (typeof value !== 'number') return null;
  if (type === 'double') return value;
  if (!Number.isSafeInteger(value)) return null;
  if (type === 'int64') return BigInt(value);
  return value === (value | 0) ? value : null;
}

/** Writes to the file after each row group, so that only one is in memory. */
class FileWriter extends ByteWriter {
  readonly #file: FileHandle;

  constructor(file: FileHandle) {
    super(1 << 20);
    this.#file = file;
  }

  async flush(): Promise<void> {
    const bytes = new Uint8Array(this.buffer, 0, this.index);
    for (let done = 0; done < bytes.length;)
      done += (await this.#file.write(bytes, done, bytes.length - done)).bytesWritten;
    this.index = 0;
  }
}
