import { cellText } from '../columns.js';
import type { ReportColumn } from '../data.js';
import { formatNumber, formatSeconds } from './numbers.js';

/** A column as a chart sees it: a number for each row, NaN where there is none. */
export interface Field {
  readonly name: string;
  readonly values: ArrayLike<number>;
  /** Of a column of texts: what the numbers 0, 1, 2... stand for. */
  readonly labels?: readonly string[];
  /** They are seconds. */
  readonly seconds?: boolean;
}

/** Texts that can be told apart on an axis. */
const mostLabels = 200;
const otherLabel = '(others)';

/** Moments become seconds since the first one. */
export function fieldOf(column: ReportColumn): Field {
  const { name } = column;
  if (column.kind === 'text') return textField(column);
  const values = Float64Array.from(column.values, (value) => value ?? NaN);
  if (column.kind === 'number') return { name: titleOf(name), values, seconds: /^gva_\w+_s$/.test(name) };
  const first = values.reduce((least, value) => (value < least ? value : least), Infinity);
  return { name: titleOf(name), values: values.map((value) => (value - first) / 1000), seconds: true };
}

/** Sorted, numbers in texts by their size. */
function textField(column: ReportColumn & { kind: 'text' }): Field {
  const sorted = column.words.map((word, code) => ({ word, code }));
  const collator = new Intl.Collator('en', { numeric: true });
  sorted.sort((a, b) => collator.compare(a.word, b.word));
  const places = new Map(sorted.map(({ code }, place) => [code, Math.min(place, mostLabels)]));
  const labels = sorted.slice(0, mostLabels).map(({ word }) => word);
  if (sorted.length > mostLabels) labels.push(otherLabel);
  return {
    name: titleOf(column.name),
    values: Float64Array.from(column.codes, (code) => places.get(code) ?? NaN),
    labels,
  };
}

const titles: Readonly<Record<string, string>> = {
  ...{ gva_point: 'point', gva_state: 'state', gva_cause: 'cause', gva_status: 'exit status' },
  ...{ gva_started: 'start', gva_stage_s: 'staging', gva_boot_s: 'boot', gva_script_s: 'script' },
  ...{ gva_shutdown_s: 'shutdown', gva_other_s: 'staging and collecting', gva_total_s: 'total time' },
  ...{ gva_attempts: 'attempts', gva_data: 'trouble with its data' },
};

/** What a column is called for people. */
export const titleOf = (name: string): string => (Object.hasOwn(titles, name) ? titles[name] : name) ?? name;

export function formatValue({ labels, seconds }: Field, value: number): string {
  if (labels) return labels[value] ?? '';
  return seconds ? formatSeconds(value) : formatNumber(value, 6);
}

/** The different values among the rows, in order; undefined where they are more than `most`. */
export function distinctValues(field: Field, rows: ArrayLike<number>, most: number): number[] | undefined {
  const found = new Set<number>();
  for (let index = 0; index < rows.length; index++) {
    const value = field.values[rows[index] ?? 0] ?? NaN;
    if (Number.isNaN(value)) continue;
    found.add(value);
    if (found.size > most) return undefined;
  }
  return [...found].sort((a, b) => a - b);
}

/** Numbers of all rows. */
export const allRows = (count: number): Int32Array => Int32Array.from({ length: count }, (_, row) => row);

/** `n = 3, mode = fast`. */
export const describeRow = (columns: readonly ReportColumn[], row: number): string[] =>
  columns
    .filter(({ role }) => role === 'parameter')
    .map((column) => `${column.name} = ${cellText(column, row)}`);
