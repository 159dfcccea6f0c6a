import { resolve } from 'node:path';
import { type Entry, isMapping } from '../entry.js';
import { shown } from '../numbers.js';
import type { Group } from '../row.js';
import { type TableFormat, tableFormat } from '../table/cells.js';
import type { ColumnRules } from '../table/columns.js';
import { readTable } from '../table/table.js';
import type { PlanContext } from './context.js';

const formats: readonly TableFormat[] = ['csv', 'tsv', 'jsonl'];

/** `table: FILE` or `table: { file, format, columns, ignore }`; undefined, and told, where something is wrong. */
export async function readTableEntry(entry: Entry, context: PlanContext): Promise<Group | undefined> {
  const mapped = isMapping(entry.value);
  const file = mapped ? entry.at('file') : entry;
  const known = entry.only('file', 'format', 'columns', 'ignore');
  if (typeof file.value !== 'string' || file.value === '')
    return entry.fail('must be a file or { file: ... }');
  const columns = namesIn(entry.at('columns'));
  const ignore = namesIn(entry.at('ignore'));
  const format = readFormat(file.value, mapped ? entry.at('format') : undefined, file);
  if (!known || !columns || !ignore || !format) return undefined;
  if (columns.length > 0 && format === 'jsonl')
    return entry.at('columns').fail('are for tables without a header: in JSON Lines each line has the names');
  const path = resolve(context.folder, file.value);
  const table = { path, name: file.value, format, ...(columns.length > 0 ? { columns } : {}) };
  return readTable(table, columnRules(context, ignore), context.mistakes);
}

function readFormat(path: string, entry: Entry | undefined, file: Entry): TableFormat | undefined {
  const given = entry?.value;
  if (given === undefined) {
    const format = tableFormat(path);
    if (format) return format;
    return file.fail('has a name that tells no format: say { file: ..., format: csv } (or tsv, jsonl)');
  }
  return formats.find((format) => format === given) ?? entry?.fail(`must be one of ${formats.join(', ')}`);
}

/** A list of names; empty where there is none. */
function namesIn(entry: Entry): string[] | undefined {
  if (entry.value === undefined) return [];
  const items = entry.items('must be a list of names') ?? [];
  const wrong = items.filter(({ value }) => typeof value !== 'string');
  for (const item of wrong) item.fail('must be a name');
  return Array.isArray(entry.value) && wrong.length === 0
    ? items.map(({ value }) => String(value))
    : undefined;
}

export const columnRules = (
  { parameters, unknown }: PlanContext,
  ignore: readonly string[] = [],
): ColumnRules => ({
  ...{ parameters, ignore },
  unknown: (name) => `column ${shown(name)}: ${unknown(name)}`,
});
