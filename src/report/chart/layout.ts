import { type Field, distinctValues, formatValue } from './field.js';
import { axesMarks, widthOf } from './axes.js';
import { mostSeries, seriesToken } from './colours.js';
import type { PlotSpec } from './plot.js';
import { type Scale, bandScale, extentOf, linearScale, logScale, niceDomain } from './scale.js';
import type { Frame, Mark, Paint } from './scene.js';

/** Frame and scales of a plot with two axes. */
export interface Layout {
  readonly frame: Frame;
  readonly x: Scale;
  readonly y: Scale;
  readonly axes: readonly Mark[];
}

export function layOut(
  { x, y, rows, logX = false, logY = false, width, height }: PlotSpec,
  { top = 34, right = 18 } = {},
): Layout {
  const yScaleOf = (frame: Frame) => scaleOf(y, rows, [frame.bottom, frame.top], logY, height / 70);
  const loose = { left: 60, top, right: width - right, bottom: height - 48 };
  const labels = yScaleOf(loose).ticks.map(({ label }) => widthOf(label));
  const left = Math.min(width * 0.35, 34 + Math.max(16, ...labels));
  const frame = { ...loose, left };
  const xScale = scaleOf(x, rows, [frame.left, frame.right], logX, width / 110);
  const yScale = yScaleOf(frame);
  const axes = axesMarks(frame, { scale: xScale, title: x.name }, { scale: yScale, title: y.name });
  return { frame, x: xScale, y: yScale, axes };
}

export function scaleOf(
  field: Field,
  rows: ArrayLike<number>,
  range: readonly [number, number],
  log: boolean,
  count: number,
): Scale {
  if (field.labels) return bandScale(field.labels, range);
  const values = Float64Array.from(rows, (row) => field.values[row] ?? NaN);
  const format = field.seconds ? (value: number) => formatValue(field, value) : undefined;
  const positive = log ? extentOf(values, true) : undefined;
  if (positive) return logScale(positive, range, format);
  const [low, high] = extentOf(values) ?? [0, 1];
  return linearScale(niceDomain(low, high, count), range, { count, format });
}

/** A series: the rows that have the same value of what colours. */
export interface Series {
  readonly label: string;
  readonly paint: Paint;
  readonly rows: readonly number[];
}

/** More values than colours: the last series has the rest, in grey. */
export function seriesOf(colour: Field | undefined, rows: ArrayLike<number>): Series[] {
  if (!colour) return [{ label: '', paint: 'series1', rows: Array.from(rows) }];
  const values = distinctValues(colour, rows, 2000) ?? [];
  const shown = values.slice(0, values.length > mostSeries ? mostSeries - 1 : mostSeries);
  const groups = new Map<number, number[]>(shown.map((value) => [value, []]));
  const rest: number[] = [];
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] ?? 0;
    (groups.get(colour.values[row] ?? NaN) ?? rest).push(row);
  }
  const series: Series[] = [...groups].map(([value, members], index) => ({
    label: formatValue(colour, value),
    paint: seriesToken(index),
    rows: members,
  }));
  return rest.length > 0 ? [...series, { label: 'others', paint: 'pending', rows: rest }] : series;
}

/** Many values of a number that colours: shown by a ramp, not as series. */
export const isRamp = (colour: Field | undefined, rows: ArrayLike<number>): colour is Field =>
  colour !== undefined && !colour.labels && distinctValues(colour, rows, mostSeries) === undefined;

/** In order of the xs: the place of the nearest dot within some pixels, or undefined. */
export function nearest(
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  [x, y]: readonly [number, number],
  reach = 18,
): number | undefined {
  let best: number | undefined;
  let least = reach * reach;
  for (let index = 0; index < xs.length; index++) {
    const distance = ((xs[index] ?? NaN) - x) ** 2 + ((ys[index] ?? NaN) - y) ** 2;
    if (distance < least) [best, least] = [index, distance];
  }
  return best;
}
