import { textSize, widthOf } from './axes.js';
import { sequentialColour } from './colours.js';
import { type Field, formatValue } from './field.js';
import type { Frame, Mark, Paint } from './scene.js';

/** Colours for values between two ends. */
export interface Ramp {
  readonly paint: (value: number) => Paint;
  /** Drawn at the right of the frame. */
  readonly legend: (frame: Frame) => Mark[];
  /** Pixels that the legend takes. */
  readonly width: number;
}

const steps = 48;

export function rampOf(field: Field, [low, high]: readonly [number, number]): Ramp {
  const span = high - low || 1;
  const texts = [low, (low + high) / 2, high].map((value) => formatValue(field, value));
  return {
    paint: (value) => (Number.isNaN(value) ? 'grid' : sequentialColour((value - low) / span)),
    legend: (frame) => legendOf(frame, texts, field.name),
    width: 40 + Math.max(...texts.map((text) => widthOf(text))),
  };
}

function legendOf({ right, top, bottom }: Frame, texts: readonly string[], title: string): Mark[] {
  const x = right + 18;
  const step = (bottom - top) / steps;
  const marks: Mark[] = [];
  for (let index = 0; index < steps; index++)
    marks.push({
      ...{ kind: 'rect', x, y: bottom - (index + 1) * step, width: 12, height: step + 0.5 },
      fill: sequentialColour(index / (steps - 1)),
    });
  for (const [index, text] of texts.entries())
    marks.push({
      ...{ kind: 'text', x: x + 18, y: bottom - ((bottom - top) * index) / 2, text, fill: 'muted' },
      ...{ size: textSize, baseline: index === 0 ? 'bottom' : index === 1 ? 'middle' : 'top' },
    });
  const end = x + 18 + Math.max(...texts.map((text) => widthOf(text)));
  marks.push({
    ...{ kind: 'text', x: end, y: top - 12, text: title, fill: 'ink', size: textSize },
    ...{ anchor: 'end', baseline: 'middle' },
  });
  return marks;
}
