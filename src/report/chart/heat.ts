import { axesMarks, widthOf } from './axes.js';
import { formatCount } from './numbers.js';
import { type Field, distinctValues, formatValue } from './field.js';
import type { PlotSpec } from './plot.js';
import { rampOf } from './ramp.js';
import { bandScale, extentOf } from './scale.js';
import type { Chart, Frame, Mark } from './scene.js';

/** Bins of an axis with more values than these. */
const mostBins = 60;

/** The bins of a field: of each value its own, or ranges of equal width. */
interface Bins {
  readonly count: number;
  /** The bin of a value; -1 where it is none. */
  readonly of: (value: number) => number;
  readonly labels: readonly string[];
}

interface Cell {
  sum: number;
  readonly rows: number[];
}

/** The mean of a value over two others, or, without a value, how many points there are. */
export function heatMap(spec: PlotSpec): Chart {
  const { x, y, colour, rows, width, height } = spec;
  const [columns, lines] = [binsOf(x, rows), binsOf(y, rows)];
  const cells = cellsOf(spec, columns, lines);
  const value = (cell: Cell) => (colour ? cell.sum / cell.rows.length : cell.rows.length);
  const field = colour ?? { name: 'points', values: [] };
  const ramp = rampOf(field, extentOf([...cells.values()].map(value)) ?? [0, 1]);
  const left = Math.min(width * 0.35, 34 + Math.max(16, ...lines.labels.map((label) => widthOf(label))));
  const frame = { left, top: 34, right: width - 18 - ramp.width, bottom: height - 48 };
  const xScale = bandScale(columns.labels, [frame.left, frame.right]);
  const yScale = bandScale(lines.labels, [frame.bottom, frame.top]);
  const marks: Mark[] = [];
  const gap = Math.min(xScale.band, yScale.band) > 12 ? 1 : 0;
  for (const [key, cell] of cells) {
    const [column, line] = [key % columns.count, Math.floor(key / columns.count)];
    marks.push({
      ...{ kind: 'rect', x: xScale.at(column) - xScale.band / 2, y: yScale.at(line) - yScale.band / 2 },
      ...{ width: xScale.band - gap + (gap ? 0 : 0.4), height: yScale.band - gap + (gap ? 0 : 0.4) },
      fill: ramp.paint(value(cell)),
    });
  }
  const axes = axesMarks(frame, { scale: xScale, title: x.name }, { scale: yScale, title: y.name });
  const what = colour ? `${colour.name}, mean of the points in each field,` : 'how many points there are';
  const description = `${formatCount(rows.length)} points: ${what} over ${x.name} and ${y.name}`;
  return {
    scene: { width, height, description, marks: [...marks, ...axes, ...ramp.legend(frame)] },
    hit: hitter(spec, frame, cells, columns, lines),
  };
}

function binsOf(field: Field, rows: ArrayLike<number>): Bins {
  if (field.labels) {
    const { labels } = field;
    return { count: labels.length, of: (value) => (Number.isNaN(value) ? -1 : value), labels };
  }
  const values = distinctValues(field, rows, mostBins);
  if (values) {
    const places = new Map(values.map((value, place) => [value, place]));
    const labels = values.map((value) => formatValue(field, value));
    return { count: values.length, of: (value) => places.get(value) ?? -1, labels };
  }
  const [low, high] = extentOf(Float64Array.from(rows, (row) => field.values[row] ?? NaN)) ?? [0, 1];
  const step = (high - low) / mostBins;
  return {
    count: mostBins,
    of: (value) => (Number.isFinite(value) ? Math.min(mostBins - 1, Math.floor((value - low) / step)) : -1),
    labels: Array.from({ length: mostBins }, (_, bin) => formatValue(field, low + (bin + 0.5) * step)),
  };
}

function cellsOf({ x, y, colour, rows }: PlotSpec, columns: Bins, lines: Bins): Map<number, Cell> {
  const cells = new Map<number, Cell>();
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] ?? 0;
    const [column, line] = [columns.of(x.values[row] ?? NaN), lines.of(y.values[row] ?? NaN)];
    const value = colour ? (colour.values[row] ?? NaN) : 1;
    if (column < 0 || line < 0 || Number.isNaN(value)) continue;
    const key = line * columns.count + column;
    const cell = cells.get(key) ?? { sum: 0, rows: [] };
    cells.set(key, cell);
    cell.sum += value;
    cell.rows.push(row);
  }
  return cells;
}

function hitter(
  { x, y, colour }: PlotSpec,
  { left, right, top, bottom }: Frame,
  cells: ReadonlyMap<number, Cell>,
  columns: Bins,
  lines: Bins,
): Chart['hit'] {
  return (px, py) => {
    if (px < left || px >= right || py <= top || py > bottom) return undefined;
    const column = Math.floor(((px - left) / (right - left)) * columns.count);
    const line = Math.floor(((bottom - py) / (bottom - top)) * lines.count);
    const cell = cells.get(line * columns.count + column);
    if (!cell) return undefined;
    const count = cell.rows.length;
    const mean = colour ? formatValue(colour, cell.sum / count) : '';
    const texts = [
      `${x.name} = ${columns.labels[column] ?? ''}`,
      `${y.name} = ${lines.labels[line] ?? ''}`,
      ...(colour ? [`${count > 1 ? 'mean ' : ''}${colour.name} = ${mean}`] : []),
      `${formatCount(count)} ${count === 1 ? 'point' : 'points'}`,
    ];
    return { x: px, y: py, rows: cell.rows, lines: texts };
  };
}
