import { printColours } from './chart/colours.js';
import { type PlotKind, type PlotSpec, plot } from './chart/plot.js';
import type { Paint } from './chart/scene.js';
import { sceneToSvg } from './chart/svg.js';

const colour = (paint: Paint) =>
  paint in printColours ? printColours[paint as keyof typeof printColours] : paint;

/** A plot for print: on white, its texts as text, in a font that every program has. */
export function plotToSvg(kind: PlotKind, spec: PlotSpec): string {
  const font = 'Helvetica, Arial, sans-serif';
  return sceneToSvg(plot(kind, spec).scene, { colour, font, background: 'surface' });
}
