import { axesMarks } from './axes.js';
import { formatCount } from './numbers.js';
import { type Field, formatValue } from './field.js';
import type { PlotSpec } from './plot.js';
import { bandScale, durationScale, extentOf, linearScale, logScale, niceDomain, roundStep } from './scale.js';
import type { Chart, Frame, Mark, Paint } from './scene.js';

/** A bar: from where to where, and the rows in it. */
interface Bar {
  readonly low: number;
  readonly high: number;
  readonly rows: readonly number[];
}

/** How the values of a field are distributed; a bar for each text, or for ranges of equal width. */
export function histogram(
  { y: field, rows, logX = false, width, height }: Omit<PlotSpec, 'x'>,
  paint: Paint = 'series1',
): Chart {
  const bars = field.labels ? labelBars(field, rows) : rangeBars(field, rows, logX);
  const most = Math.max(1, ...bars.map((bar) => bar.rows.length));
  const frame = { left: 34 + 7 * formatCount(most).length, top: 16, right: width - 18, bottom: height - 48 };
  const range = [frame.left, frame.right] as const;
  const [low, high] = [bars[0]?.low ?? 0, bars.at(-1)?.high ?? 1];
  const x = field.labels
    ? bandScale(field.labels, range)
    : logX && low > 0
      ? logScale([low, high], range, (value) => formatValue(field, value))
      : field.seconds
        ? durationScale([low, high], range, width / 110)
        : linearScale([low, high], range, { count: width / 110 });
  const y = linearScale([0, niceDomain(0, most, height / 70)[1]], [frame.bottom, frame.top], {
    count: Math.min(most, height / 70),
    format: (value) => (Number.isInteger(value) ? formatCount(value) : ''),
  });
  const edge = (value: number) => (field.labels ? frame.left + (value + 0.5) * x.band : x.at(value));
  const marks = bars.map((bar): Mark => {
    const [from, to] = [edge(bar.low), edge(bar.high)];
    const top = y.at(bar.rows.length);
    const gap = to - from > 4 ? 1 : 0;
    return {
      ...{ kind: 'rect', x: from + gap / 2, y: top, width: Math.max(0.5, to - from - gap) },
      ...{ height: frame.bottom - top, fill: paint },
    };
  });
  const axes = axesMarks(frame, { scale: x, title: field.name }, { scale: y, title: 'points' });
  const description = `How ${field.name} is distributed over ${formatCount(rows.length)} points`;
  return {
    scene: { width, height, description, marks: [...axes, ...marks] },
    hit: hitter(field, frame, bars, edge),
  };
}

function labelBars(field: Field, rows: ArrayLike<number>): Bar[] {
  const groups = (field.labels ?? []).map((): number[] => []);
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] ?? 0;
    groups[field.values[row] ?? -1]?.push(row);
  }
  return groups.map((members, label) => ({ low: label - 0.4, high: label + 0.4, rows: members }));
}

function rangeBars(field: Field, rows: ArrayLike<number>, log: boolean): Bar[] {
  const chosen = Array.from(rows).filter((row) => {
    const value = field.values[row] ?? NaN;
    return Number.isFinite(value) && (!log || value > 0);
  });
  const change = log ? Math.log10 : (value: number) => value;
  const back = log ? (value: number) => 10 ** value : (value: number) => value;
  const values = chosen.map((row) => change(field.values[row] ?? NaN));
  const extent = extentOf(values);
  if (!extent) return [];
  const [low, high] = extent[0] === extent[1] ? niceDomain(extent[0], extent[1]) : extent;
  const wanted = Math.min(60, Math.max(8, Math.ceil(2 * Math.cbrt(values.length))));
  const step = roundStep(high - low, wanted);
  const first = Math.floor(low / step + 1e-9);
  const count = Math.max(1, Math.ceil(high / step - 1e-9) - first);
  const groups = Array.from({ length: count }, (): number[] => []);
  for (const [index, value] of values.entries()) {
    const bar = Math.min(count - 1, Math.max(0, Math.floor(value / step - first)));
    groups[bar]?.push(chosen[index] ?? 0);
  }
  return groups.map((members, bar) => ({
    ...{ low: back((first + bar) * step), high: back((first + bar + 1) * step), rows: members },
  }));
}

function hitter(
  field: Field,
  { top, bottom }: Frame,
  bars: readonly Bar[],
  edge: (value: number) => number,
): Chart['hit'] {
  return (px, py) => {
    if (py < top || py > bottom) return undefined;
    const bar = bars.find(({ low, high }) => px >= edge(low) && px < edge(high));
    if (!bar || bar.rows.length === 0) return undefined;
    const { low, high, rows } = bar;
    const where = field.labels
      ? formatValue(field, Math.round(low + 0.4))
      : `${formatValue(field, low)} to ${formatValue(field, high)}`;
    const count = `${formatCount(rows.length)} ${rows.length === 1 ? 'point' : 'points'}`;
    return { x: px, y: py, rows, lines: [`${field.name}: ${where}`, count] };
  };
}
