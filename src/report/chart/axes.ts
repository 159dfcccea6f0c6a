import type { Frame, Mark, Paint } from './scene.js';
import type { Scale, Tick } from './scale.js';

export const textSize = 11;
/** About the width of a character, in parts of its size. */
const characterWidth = 0.58;

export const widthOf = (text: string, size = textSize) => text.length * size * characterWidth;

export interface Axis {
  readonly scale: Scale;
  readonly title: string;
}

/** Grid, ticks and titles of two axes. */
export function axesMarks(frame: Frame, x: Axis, y: Axis, { grid = true } = {}): Mark[] {
  return [...yMarks(frame, y, grid), ...xMarks(frame, x, grid)];
}

function yMarks({ left, right, top, bottom }: Frame, { scale, title }: Axis, grid: boolean): Mark[] {
  const marks: Mark[] = [];
  for (const { value, label } of inside(scale, top, bottom)) {
    const y = scale.at(value);
    if (grid && scale.band === 0) marks.push(stroke([left, right], [y, y], 'grid'));
    marks.push(tickLabel(left - 8, y, shorten(label, left - 34), 'end', 'middle'));
  }
  if (title !== '')
    marks.push({
      ...{ kind: 'text', x: 13, y: (top + bottom) / 2, text: shorten(title, bottom - top), upright: true },
      ...{ anchor: 'middle', baseline: 'middle', size: textSize + 1, fill: 'ink' },
    });
  return marks;
}

function xMarks({ left, right, top, bottom }: Frame, { scale, title }: Axis, grid: boolean): Mark[] {
  const marks: Mark[] = [];
  let free = -Infinity;
  for (const { value, label } of inside(scale, left, right)) {
    const x = scale.at(value);
    if (grid && scale.band === 0) marks.push(stroke([x, x], [top, bottom], 'grid'));
    const text = shorten(label, scale.band > 40 ? scale.band : 90);
    const half = widthOf(text) / 2;
    // Labels never touch.
    if (x - half < free + 6) continue;
    free = x + half;
    marks.push(tickLabel(x, bottom + 9, text, 'middle', 'top'));
  }
  marks.push(stroke([left, right], [bottom, bottom], 'muted'));
  if (title !== '')
    marks.push({
      ...{ kind: 'text', x: (left + right) / 2, y: bottom + 27, text: shorten(title, right - left) },
      ...{ anchor: 'middle', baseline: 'top', size: textSize + 1, fill: 'ink' },
    });
  return marks;
}

const inside = (scale: Scale, from: number, to: number): Tick[] =>
  scale.ticks.filter(({ value }) => {
    const at = scale.at(value);
    return at >= from - 0.5 && at <= to + 0.5;
  });

const stroke = (xs: number[], ys: number[], paint: Paint): Mark => ({
  ...{ kind: 'line', xs, ys, stroke: paint, width: 1 },
});

const tickLabel = (
  x: number,
  y: number,
  text: string,
  anchor: 'start' | 'middle' | 'end',
  baseline: 'middle' | 'top',
): Mark => ({ kind: 'text', x, y, text, anchor, baseline, size: textSize, fill: 'muted' });

/** Cut so that it fits. @param room pixels */
export function shorten(text: string, room: number): string {
  const most = Math.max(3, Math.floor(room / (textSize * characterWidth)));
  const line = text.replace(/\s+/g, ' ');
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`;
}

/** Names with their colours, in a row above the frame; what does not fit is said as a number. */
export function legendMarks(
  entries: readonly { readonly label: string; readonly paint: Paint }[],
  { left, right }: Frame,
  y: number,
): Mark[] {
  const marks: Mark[] = [];
  let x = left;
  for (const [index, { label, paint }] of entries.entries()) {
    const text = shorten(label, 130);
    const width = 16 + widthOf(text) + 14;
    if (x + width > right + 8 && index > 0) {
      const rest = `+ ${entries.length - index} more`;
      marks.push({ kind: 'text', x, y, text: rest, fill: 'muted', size: textSize, baseline: 'middle' });
      return marks;
    }
    marks.push({ kind: 'rect', x, y: y - 5, width: 10, height: 10, radius: 2, fill: paint });
    marks.push({ kind: 'text', x: x + 16, y, text, fill: 'ink', size: textSize, baseline: 'middle' });
    x += width;
  }
  return marks;
}
