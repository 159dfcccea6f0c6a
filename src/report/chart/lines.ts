import { legendMarks } from './axes.js';
import { formatCount } from './numbers.js';
import { formatValue } from './field.js';
import { type Layout, type Series, layOut, nearest, seriesOf } from './layout.js';
import type { PlotSpec } from './plot.js';
import type { Chart, Hit, Mark } from './scene.js';

/** What the rows of a series with the same x come to. */
interface Knot {
  readonly x: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly rows: readonly number[];
}

/**
 * A line for each series, in the order of x: through the means, where several rows have the same x, with their smallest
 * and largest value as a band.
 */
export function linesPlot(spec: PlotSpec): Chart {
  const { x, y, colour, rows, width, height } = spec;
  const layout = layOut(spec);
  const all = seriesOf(colour, rows);
  const series = all.filter(({ label }) => all.length === 1 || label !== 'others');
  const drawn = series.map((each) => ({ ...each, knots: knotsOf(each, spec) }));
  const bands = drawn.flatMap(({ knots, paint }) => bandMarks(layout, knots, paint));
  const lines = drawn.flatMap(({ knots, paint }) => lineMarks(layout, knots, paint));
  const left = all.length - series.length;
  const legend = colour ? legendMarks(series, layout.frame, 14) : [];
  const description =
    `${formatCount(rows.length)} points: ${y.name} against ${x.name}` +
    (colour ? `, a line for each ${colour.name}` : '') +
    (left > 0 ? ', the first of them only' : '');
  return {
    scene: { width, height, description, marks: [...layout.axes, ...bands, ...lines, ...legend] },
    hit: hitter(spec, layout, drawn),
  };
}

function knotsOf({ rows }: Series, { x, y }: PlotSpec): Knot[] {
  const groups = new Map<number, number[]>();
  for (const row of rows) {
    const [at, value] = [x.values[row] ?? NaN, y.values[row] ?? NaN];
    if (!Number.isFinite(at) || !Number.isFinite(value)) continue;
    const group = groups.get(at);
    if (group) group.push(row);
    else groups.set(at, [row]);
  }
  return [...groups]
    .map(([at, members]) => {
      let [sum, low, high] = [0, Infinity, -Infinity];
      for (const row of members) {
        const value = y.values[row] ?? NaN;
        sum += value;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
      return { x: at, mean: sum / members.length, low, high, rows: members };
    })
    .sort((a, b) => a.x - b.x);
}

function bandMarks({ x, y }: Layout, knots: readonly Knot[], fill: Series['paint']): Mark[] {
  if (knots.every(({ low, high }) => low === high)) return [];
  const xs = knots.map((knot) => x.at(knot.x));
  const [upper, lower] = [knots.map(({ high }) => y.at(high)), knots.map(({ low }) => y.at(low))];
  return [{ kind: 'area', xs, upper, lower, fill, opacity: 0.16 }];
}

function lineMarks({ x, y }: Layout, knots: readonly Knot[], paint: Series['paint']): Mark[] {
  const xs = knots.map((knot) => x.at(knot.x));
  const ys = knots.map(({ mean }) => y.at(mean));
  const line: Mark = { kind: 'line', xs, ys, stroke: paint, width: 1.8 };
  return knots.length > 80 ? [line] : [line, { kind: 'dots', xs, ys, radius: 2.8, fill: paint }];
}

function hitter(
  { x, y, colour }: PlotSpec,
  layout: Layout,
  drawn: readonly (Series & { readonly knots: readonly Knot[] })[],
): Chart['hit'] {
  const flat = drawn.flatMap(({ knots, label }) => knots.map((knot) => ({ ...knot, label })));
  const xs = flat.map((knot) => layout.x.at(knot.x));
  const ys = flat.map(({ mean }) => layout.y.at(mean));
  return (px, py): Hit | undefined => {
    const index = nearest(xs, ys, [px, py], 40);
    const knot = index === undefined ? undefined : flat[index];
    if (index === undefined || !knot) return undefined;
    const { rows, low, high, mean, label } = knot;
    const several = rows.length > 1;
    return {
      ...{ x: xs[index] ?? 0, y: ys[index] ?? 0, rows },
      lines: [
        ...(colour ? [`${colour.name} = ${label}`] : []),
        `${x.name} = ${formatValue(x, knot.x)}`,
        `${several ? 'mean ' : ''}${y.name} = ${formatValue(y, mean)}`,
        ...(several
          ? [`${formatValue(y, low)} to ${formatValue(y, high)}, ${formatCount(rows.length)} points`]
          : []),
      ],
    };
  };
}
