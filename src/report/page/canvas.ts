import type { Mark, Paint, Scene } from '../chart/scene.js';

/** What a paint is on this page at present: colours depend on whether it is dark. */
export type Colours = (paint: Paint) => string;

export function pageColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const known = new Map<Paint, string>();
  return (paint) => {
    if (paint.startsWith('#')) return paint;
    const value = known.get(paint) ?? style.getPropertyValue(`--${paint}`).trim();
    known.set(paint, value);
    return value;
  };
}

/** Makes the canvas as large as it is shown, in pixels of the screen. */
export function prepareCanvas(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('there is no canvas');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

export function drawScene(canvas: HTMLCanvasElement, scene: Scene, colours = pageColours()): void {
  const context = prepareCanvas(canvas, scene.width, scene.height);
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', scene.description);
  context.clearRect(0, 0, scene.width, scene.height);
  const font = getComputedStyle(canvas).fontFamily;
  for (const mark of scene.marks) drawMark(context, mark, colours, font);
}

export function drawMark(
  context: CanvasRenderingContext2D,
  mark: Mark,
  colours: Colours,
  font: string,
): void {
  context.globalAlpha = mark.kind === 'text' ? 1 : (mark.opacity ?? 1);
  switch (mark.kind) {
    case 'rect':
      context.fillStyle = colours(mark.fill);
      context.beginPath();
      context.roundRect(mark.x, mark.y, mark.width, mark.height, mark.radius ?? 0);
      context.fill();
      break;
    case 'line':
      drawLine(context, mark, colours);
      break;
    case 'area':
      drawArea(context, mark, colours);
      break;
    case 'dots':
      drawDots(context, mark, colours);
      break;
    case 'text':
      drawText(context, mark, colours, font);
      break;
  }
  context.globalAlpha = 1;
}

type Of<Kind extends Mark['kind']> = Mark & { readonly kind: Kind };

function drawLine(
  context: CanvasRenderingContext2D,
  { xs, ys, stroke, width, dash = [] }: Of<'line'>,
  colours: Colours,
): void {
  context.strokeStyle = colours(stroke);
  context.lineWidth = width;
  context.lineJoin = 'round';
  context.setLineDash([...dash]);
  context.beginPath();
  let pen = false;
  for (let index = 0; index < xs.length; index++) {
    const [x, y] = [xs[index] ?? NaN, ys[index] ?? NaN];
    const isPoint = Number.isFinite(x) && Number.isFinite(y);
    if (isPoint && pen) context.lineTo(x, y);
    else if (isPoint) context.moveTo(x, y);
    pen = isPoint;
  }
  context.stroke();
  context.setLineDash([]);
}

function drawArea(
  context: CanvasRenderingContext2D,
  { xs, upper, lower, fill }: Of<'area'>,
  colours: Colours,
): void {
  context.fillStyle = colours(fill);
  context.beginPath();
  for (let index = 0; index < xs.length; index++) context.lineTo(xs[index] ?? 0, upper[index] ?? 0);
  for (let index = xs.length - 1; index >= 0; index--) context.lineTo(xs[index] ?? 0, lower[index] ?? 0);
  context.fill();
}

/** Small dots are squares, which are ten times as fast. */
function drawDots(
  context: CanvasRenderingContext2D,
  { xs, ys, radius, fill, fills }: Of<'dots'>,
  colours: Colours,
): void {
  context.fillStyle = colours(fill);
  for (let index = 0; index < xs.length; index++) {
    const [x, y] = [xs[index] ?? NaN, ys[index] ?? NaN];
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    if (fills) context.fillStyle = colours(fills[index] ?? fill);
    if (radius < 2) context.fillRect(x - radius, y - radius, radius * 2, radius * 2);
    else {
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

function drawText(
  context: CanvasRenderingContext2D,
  { x, y, text, fill, size, anchor = 'start', baseline = 'bottom', bold, upright }: Of<'text'>,
  colours: Colours,
  font: string,
): void {
  context.fillStyle = colours(fill);
  context.font = `${bold ? '600 ' : ''}${size}px ${font}`;
  context.textAlign = anchor === 'middle' ? 'center' : anchor;
  context.textBaseline = baseline === 'bottom' ? 'alphabetic' : baseline;
  if (!upright) {
    context.fillText(text, x, y);
    return;
  }
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.fillText(text, 0, 0);
  context.restore();
}
