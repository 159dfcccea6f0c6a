import { legendMarks } from './axes.js';
import { formatCount } from './numbers.js';
import { type Field, formatValue } from './field.js';
import { isRamp, layOut, nearest, seriesOf } from './layout.js';
import type { PlotSpec } from './plot.js';
import { rampOf } from './ramp.js';
import { extentOf } from './scale.js';
import type { Chart, Hit, Mark, Paint } from './scene.js';

/** A dot for each row. Many dots are small and let shine through what they cover. */
export function scatterPlot(spec: PlotSpec): Chart {
  const { x, y, colour, width, height } = spec;
  const rows = Int32Array.from(spec.rows);
  const range = isRamp(colour, rows)
    ? extentOf(Float64Array.from(rows, (row) => colour.values[row] ?? NaN))
    : undefined;
  const ramp = colour && range ? rampOf(colour, range) : undefined;
  const layout = layOut(spec, ramp ? { right: 18 + ramp.width } : {});
  const xs = places(x, rows, layout.x);
  const ys = places(y, rows, layout.y);
  const fills = new Array<Paint>(rows.length).fill('series1');
  const legend: Mark[] = [];
  if (ramp && colour) {
    for (const [index, row] of rows.entries()) fills[index] = ramp.paint(colour.values[row] ?? NaN);
    legend.push(...ramp.legend(layout.frame));
  } else if (colour) {
    const series = seriesOf(colour, rows);
    const paints = new Map(series.flatMap(({ paint, rows: members }) => members.map((row) => [row, paint])));
    for (const [index, row] of rows.entries()) fills[index] = paints.get(row) ?? 'pending';
    legend.push(...legendMarks(series, layout.frame, 14));
  }
  const dots: Mark = { kind: 'dots', xs, ys, fill: 'series1', fills, ...sizeOf(rows.length) };
  const description =
    `${formatCount(rows.length)} points: ${y.name} against ${x.name}` +
    (colour ? `, coloured by ${colour.name}` : '');
  return {
    scene: { width, height, description, marks: [...layout.axes, dots, ...legend] },
    hit: (px, py) => hitOf(spec, rows, nearest(xs, ys, [px, py]), xs, ys),
  };
}

const sizeOf = (count: number) =>
  count > 10_000
    ? { radius: 1.3, opacity: 0.45 }
    : count > 1500
      ? { radius: 1.8, opacity: 0.6 }
      : { radius: count > 300 ? 2.5 : 3.5, opacity: 0.85 };

function hitOf(
  { x, y, colour }: PlotSpec,
  rows: Int32Array,
  index: number | undefined,
  xs: Float64Array,
  ys: Float64Array,
): Hit | undefined {
  const row = index === undefined ? undefined : rows[index];
  if (index === undefined || row === undefined) return undefined;
  const fields = [x, y, ...(colour ? [colour] : [])];
  const lines = fields.map((field) => `${field.name} = ${formatValue(field, field.values[row] ?? NaN)}`);
  return { x: xs[index] ?? 0, y: ys[index] ?? 0, rows: [row], lines };
}

/** Texts that many rows have lie beside each other in their band, each row at a place of its own. */
function places(
  field: Field,
  rows: Int32Array,
  scale: { at: (value: number) => number; band: number },
): Float64Array {
  const spread = rows.length > 1 ? scale.band * 0.6 : 0;
  return Float64Array.from(rows, (row) => {
    const at = scale.at(field.values[row] ?? NaN);
    // Weyl's sequence: even, and the same each time.
    return spread === 0 ? at : at + (((row * 0.618_034) % 1) - 0.5) * spread;
  });
}
