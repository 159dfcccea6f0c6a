import { type Field, allRows, distinctValues, fieldOf } from './chart/field.js';
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
  const varying = columns
    .filter(({ role }) => role === 'parameter')
    .map((column) => measure(column, rows))
    .filter(({ count }) => count > 1)
    // The finest first: it is what the others are lines of.
    .sort((a, b) => Number(b.isNumber) - Number(a.isNumber) || b.count - a.count);
  const results = columns.filter(({ role, kind }) => role === 'result' && kind === 'number');
  const y =
    results.map((column) => measure(column, rows)).find(({ count }) => count > 1)?.name ?? 'gva_total_s';
  const [first, ...others] = varying;
  if (!first) return { kind: 'histogram', x: 'gva_point', y };
  const second = others.find(({ count }) => count <= mostSeries);
  if (second) return { kind: first.isNumber ? 'lines' : 'scatter', x: first.name, y, colour: second.name };
  const third = others.find(({ isNumber }) => isNumber);
  if (third) return { kind: 'heat', x: first.name, y: third.name, colour: y };
  return { kind: first.isNumber && first.count < rows ? 'lines' : 'scatter', x: first.name, y };
}

function measure(column: ReportColumn, rows: number): Varying {
  const field: Field = fieldOf(column);
  const count = distinctValues(field, allRows(rows), 500)?.length ?? Infinity;
  return { name: column.name, isNumber: !field.labels, count };
}
