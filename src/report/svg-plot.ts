import { type Field, allRows, fieldOf, titleOf } from './chart/field.js';
import { type PlotKind } from './chart/plot.js';
import { columnNamed } from './columns.js';
import type { ReportColumn } from './data.js';
import { type ChosenPlot, firstPlot } from './first-plot.js';
import { plotToSvg } from './print.js';

export interface SvgWish {
  readonly kind?: PlotKind;
  /** Names of columns; what is not said is chosen. */
  readonly x?: string;
  readonly y?: string;
  readonly colour?: string;
  readonly logX?: boolean;
  readonly logY?: boolean;
  /** Pixels of the picture, of which there are 96 in an inch. */
  readonly width: number;
  readonly height: number;
}

/** Why there is no such plot, as a sentence without its full stop. */
export class NoPlot extends Error {}

/**
 * A plot of a table as an SVG file.
 *
 * @throws NoPlot where a column is not there, or no row has all the values
 */
export function svgPlot(columns: readonly ReportColumn[], rows: number, wish: SvgWish): string {
  const chosen = chosenPlot(firstPlot(columns, rows), wish);
  const [x, y] = [fieldNamed(columns, chosen.x), fieldNamed(columns, chosen.y)];
  const colour = chosen.colour === undefined ? undefined : fieldNamed(columns, chosen.colour);
  const isShown = (row: number) =>
    !Number.isNaN(y.values[row] ?? NaN) &&
    (chosen.kind === 'histogram' || !Number.isNaN(x.values[row] ?? NaN));
  const shown = allRows(rows).filter(isShown);
  if (shown.length === 0) throw new NoPlot(`no point has both ${chosen.x} and ${chosen.y}`);
  const { logX = false, logY = false, width, height } = wish;
  return plotToSvg(chosen.kind, { x, y, colour, rows: shown, logX, logY, width, height });
}

/** What was chosen for the whole sweep holds only where nothing else was asked for. */
function chosenPlot(first: ChosenPlot, { kind, x, y, colour }: SvgWish): ChosenPlot {
  const isFree = x === undefined && kind !== 'histogram';
  const colours = colour ?? (isFree && kind === undefined ? first.colour : undefined);
  return {
    kind: kind ?? (x === undefined ? first.kind : 'scatter'),
    x: x ?? first.x,
    y: y ?? first.y,
    ...(colours === undefined ? {} : { colour: colours }),
  };
}

/** By its name, or what people call it. */
function fieldNamed(columns: readonly ReportColumn[], name: string): Field {
  const column = columnNamed(columns, name) ?? columns.find((each) => titleOf(each.name) === name);
  if (column) return fieldOf(column);
  throw new NoPlot(
    `there is no column ${name}; there are ${columns.map((each) => titleOf(each.name)).join(', ')}`,
  );
}
