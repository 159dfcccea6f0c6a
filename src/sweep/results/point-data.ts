import { csvRecords } from '../../system/csv.js';
import { isPassing, messageOf } from '../../system/errors.js';
import { type DataValue, DataValues, type PointData, dataLimits } from './data-values.js';
import { exactNumber } from './exact-number.js';

/** At most `limit` bytes of a file of the output by its name; undefined where there is no such regular file. */
export type ReadOutput = (name: string, limit: number) => Promise<Buffer | undefined>;

/**
 * What a program wrote for the table of results: all of these files that are there, in this order; a name that comes
 * again replaces the value.
 *
 * - `result.json`: an object. Objects in it are flattened, their names joined by dots; arrays become JSON text. What is
 *   no object is the value `result`.
 * - `result.csv`: a header and a row; of several rows the last counts (RFC 4180).
 * - `result.txt`: lines `name=value`, the name of letters, digits, `_`, `.` and `-`; other lines mean nothing.
 *
 * In CSV and lines `true` and `false` are booleans, and decimal numbers are numbers if they read back exactly; else they
 * stay text. An empty cell is null. A name that begins with gva_, or that every JavaScript object has, gets `out.`
 * before it. Control characters become U+FFFD. All of it was written by a guest: `dataLimits`. What is beyond them or
 * cannot be read is left out, and the value `gva_data` says so.
 *
 * @throws what `isPassing()`: the file may be there, and cannot be read for now
 */
export async function readPointData(read: ReadOutput): Promise<PointData> {
  const values = new DataValues();
  for (const [name, parse] of Object.entries(parsers)) {
    try {
      const bytes = await read(name, dataLimits.file + 1);
      if (bytes === undefined) continue;
      if (bytes.length > dataLimits.file) values.refuse(`${name} is larger than ${dataLimits.file} bytes`);
      else parse(bytes.toString('utf8').replace(/^\ufeff/, ''), values);
    } catch (error) {
      if (isPassing(error)) throw error;
      values.refuse(`${name}: ${messageOf(error)}`);
    }
  }
  return values.data;
}

const parsers: Readonly<Record<string, (text: string, values: DataValues) => void>> = {
  'result.json': readJson,
  'result.csv': readCsv,
  'result.txt': readLines,
};

function readJson(text: string, values: DataValues): void {
  JSON.parse(lenient(text));
  flatten(values, '', JSON.parse(exactly(text)) as unknown, 0);
}

const jsonToken = /"[^"\\]*(?:\\.[^"\\]*)*"|-?(?:\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|Infinity)|NaN/gs;

/** Python and others write NaN and Infinity, which JSON (RFC 8259) has not. */
const lenient = (text: string) =>
  text.replace(jsonToken, (token) => (/^(?:NaN|-?Infinity)$/.test(token) ? `"${token}"` : token));

/** The text with numbers as strings where a number would not read back as it was. */
const exactly = (text: string) =>
  text.replace(jsonToken, (token) =>
    token.startsWith('"') || exactNumber(token) !== undefined ? token : `"${token}"`,
  );

function flatten(values: DataValues, name: string, value: unknown, depth: number): void {
  if (isScalar(value)) values.add(name === '' ? 'result' : name, value);
  else if (Array.isArray(value)) values.add(name === '' ? 'result' : name, JSON.stringify(value));
  else if (depth === dataLimits.depth)
    values.refuse(`there are more than ${dataLimits.depth} levels of objects`);
  else flattenObject(values, name, value as object, depth);
}

function flattenObject(values: DataValues, name: string, object: object, depth: number): void {
  for (const [key, value] of Object.entries(object)) {
    // A guest's object may have any number of names.
    if (values.full) {
      values.refuse(`there are more than ${dataLimits.values} values`);
      return;
    }
    flatten(values, name === '' ? key : `${name}.${key}`, value, depth + 1);
  }
}

const isScalar = (value: unknown): value is DataValue => value === null || typeof value !== 'object';

function readCsv(text: string, values: DataValues): void {
  let header: string[] | undefined;
  let last: string[] | undefined;
  for (const record of csvRecords(text))
    if (header) last = record;
    else header = record;
  if (!header || !last) return;
  if (last.length !== header.length)
    throw new Error(`the last row has ${last.length} cells, and the header ${header.length}`);
  for (const [index, name] of header.entries()) values.add(name, valueOf(last[index] ?? ''));
}

function readLines(text: string, values: DataValues): void {
  for (const [, name = '', value = ''] of text.matchAll(/^[ \t]*([A-Za-z_][\w.-]*)[ \t]*=(.*)$/gm))
    values.add(name, valueOf(value.trim()));
}

function valueOf(text: string): DataValue {
  if (text === '') return null;
  if (text === 'true' || text === 'false') return text === 'true';
  return exactNumber(text) ?? text;
}
