import { heatMap } from './heat.js';
import { histogram } from './histogram.js';
import { linesPlot } from './lines.js';
import { scatterPlot } from './scatter.js';
import type { Field } from './field.js';
import type { Chart } from './scene.js';

export const plotKinds = ['lines', 'scatter', 'heat', 'histogram'] as const;
export type PlotKind = (typeof plotKinds)[number];

export interface PlotSpec {
  readonly x: Field;
  readonly y: Field;
  /** Of lines and dots: what makes a series. Of a heat map: the value. */
  readonly colour?: Field | undefined;
  /** Rows of the table that are shown. */
  readonly rows: ArrayLike<number>;
  readonly logX?: boolean;
  readonly logY?: boolean;
  readonly width: number;
  readonly height: number;
}

/** A histogram shows how `y` is distributed. */
export function plot(kind: PlotKind, spec: PlotSpec): Chart {
  switch (kind) {
    case 'lines':
      return linesPlot(spec);
    case 'scatter':
      return scatterPlot(spec);
    case 'heat':
      return heatMap(spec);
    case 'histogram':
      return histogram(spec);
  }
}
