import { type Field, allRows, distinctValues, fieldOf } from './chart/field.js';
import { columnNamed } from './columns.js';
import { mostSeries } from './chart/colours.js';
import type { PlotKind } from './chart/plot.js';
import type { ReportColumn } from './data.js';

export interface ChosenPlot {
  readonly kind: PlotKind;
  /** Names of columns. */
  readonly x: string;
  readonly y: string;
  readonly colour?: string;
}

interface Varying {
  readonly name: string;
  readonly isNumber: boolean;
  /** Different values; Infinity where they are many. */
  readonly count: number;
}

/** The plot that shows most of a sweep nobody has asked anything of yet. */
export function firstPlot(columns: readonly ReportColumn[], rows: number): ChosenPlot {
  const results = columns.filter(({ role, kind }) => role === 'result' && kind === 'number');
  const y =
    results.map((column) => measure(column, rows)).find(({ count }) => count > 1)?.name ?? 'gva_total_s';
  const varying = columns
    .filter(({ role }) => role === 'parameter')
    .map((column) => measure(column, rows))
    .filter(({ count }) => count > 1);
  const fine = varying.filter(({ isNumber, count }) => isNumber && count > 2);
  const first = mostTelling(fine, columns, y, rows) ?? varying[0];
  if (!first) return { kind: 'histogram', x: 'gva_point', y };
  const others = varying.filter(({ name }) => name !== first.name);
  const few = others.filter(({ count }) => count <= mostSeries);
  const second = mostTelling(few, columns, y, rows);
  if (second) return { kind: first.isNumber ? 'lines' : 'scatter', x: first.name, y, colour: second.name };
  const third = mostTelling(
    others.filter(({ isNumber }) => isNumber),
    columns,
    y,
    rows,
  );
  if (third) return { kind: 'heat', x: first.name, y: third.name, colour: y };
  return { kind: first.isNumber && first.count < rows ? 'lines' : 'scatter', x: first.name, y };
}

/** The parameter whose values make the greatest difference: a seed makes little. */
function mostTelling(
  candidates: readonly Varying[],
  columns: readonly ReportColumn[],
  y: string,
  rows: number,
): Varying | undefined {
  const column = columnNamed(columns, y);
  if (!column || candidates.length < 2) return candidates[0];
  const values = fieldOf(column).values;
  const spreads = candidates.map(({ name }) => {
    const by = columnNamed(columns, name);
    return by ? spreadOfMeans(fieldOf(by).values, values, rows) : 0;
  });
  return candidates[spreads.indexOf(Math.max(...spreads))] ?? candidates[0];
}

/** Variance of the means of the groups. */
function spreadOfMeans(groups: ArrayLike<number>, values: ArrayLike<number>, rows: number): number {
  const sums = new Map<number, { sum: number; count: number }>();
  for (let row = 0; row < rows; row++) {
    const [group, value] = [groups[row] ?? NaN, values[row] ?? NaN];
    if (!Number.isFinite(value)) continue;
    const { sum, count } = sums.get(group) ?? { sum: 0, count: 0 };
    sums.set(group, { sum: sum + value, count: count + 1 });
  }
  const means = [...sums.values()].map(({ sum, count }) => sum / count);
  const middle = means.reduce((sum, mean) => sum + mean, 0) / Math.max(1, means.length);
  return means.reduce((sum, mean) => sum + (mean - middle) ** 2, 0) / Math.max(1, means.length);
}

function measure(column: ReportColumn, rows: number): Varying {
  const field: Field = fieldOf(column);
  const count = distinctValues(field, allRows(rows), 500)?.length ?? Infinity;
  return { name: column.name, isNumber: !field.labels, count };
}
