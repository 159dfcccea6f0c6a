import { escapeText } from '../escape.js';
import type { Mark, Paint, Scene } from './scene.js';

export interface SvgStyle {
  /** The value of a `fill` or `stroke`. */
  readonly colour: (paint: Paint) => string;
  readonly font: string;
  /** A colour that covers the ground; none where it is left open. */
  readonly background?: Paint;
}

/** A scene as an SVG element: no script, no style sheet, nothing from elsewhere. */
export function sceneToSvg(scene: Scene, style: SvgStyle, attributes = ''): string {
  const { width, height, description } = scene;
  const ground: Mark[] = style.background
    ? [{ kind: 'rect', x: 0, y: 0, width, height, fill: style.background }]
    : [];
  const body = [...ground, ...scene.marks].map((mark) => elementOf(mark, style)).join('\n');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
    `height="${height}" role="img"${attributes} font-family="${escapeText(style.font)}">\n` +
    `<title>${escapeText(description)}</title>\n${body}\n</svg>\n`
  );
}

function elementOf(mark: Mark, { colour }: SvgStyle): string {
  const opacity = mark.kind !== 'text' && mark.opacity !== undefined ? ` opacity="${mark.opacity}"` : '';
  switch (mark.kind) {
    case 'rect': {
      const radius = mark.radius === undefined ? '' : ` rx="${mark.radius}"`;
      const place = `x="${short(mark.x)}" y="${short(mark.y)}" width="${short(mark.width)}" height="${short(mark.height)}"`;
      return `<rect ${place} fill="${colour(mark.fill)}"${radius}${opacity}/>`;
    }
    case 'line': {
      const dash = mark.dash ? ` stroke-dasharray="${mark.dash.join(' ')}"` : '';
      const stroke = `stroke="${colour(mark.stroke)}" stroke-width="${mark.width}" stroke-linejoin="round"`;
      return `<path d="${pathOf(mark.xs, mark.ys)}" fill="none" ${stroke}${dash}${opacity}/>`;
    }
    case 'area':
      return `<path d="${areaOf(mark)}" fill="${colour(mark.fill)}"${opacity}/>`;
    case 'dots':
      return dotsOf(mark, colour, opacity);
    case 'text':
      return textOf(mark, colour);
  }
}

/** Hundredths of a pixel are enough. */
const short = (value: number) => String(Math.round(value * 100) / 100);

function pathOf(xs: ArrayLike<number>, ys: ArrayLike<number>): string {
  let path = '';
  let pen = false;
  for (let index = 0; index < xs.length; index++) {
    const [x, y] = [xs[index] ?? NaN, ys[index] ?? NaN];
    const isPoint = Number.isFinite(x) && Number.isFinite(y);
    if (isPoint) path += `${pen ? 'L' : 'M'}${short(x)} ${short(y)}`;
    pen = isPoint;
  }
  return path;
}

function areaOf({ xs, upper, lower }: Mark & { kind: 'area' }): string {
  const forth: string[] = [];
  const back: string[] = [];
  for (let index = 0; index < xs.length; index++) {
    const x = short(xs[index] ?? 0);
    forth.push(`${x} ${short(upper[index] ?? 0)}`);
    back.push(`${x} ${short(lower[index] ?? 0)}`);
  }
  return forth.length === 0 ? '' : `M${forth.join('L')}L${back.reverse().join('L')}Z`;
}

/** Dots that would cover each other quite are drawn once: of 50,000, few are left. */
function dotsOf(
  { xs, ys, radius, fill, fills }: Mark & { kind: 'dots' },
  colour: SvgStyle['colour'],
  opacity: string,
): string {
  const seen = new Set<string>();
  for (let index = 0; index < xs.length; index++) {
    const [x, y] = [xs[index] ?? NaN, ys[index] ?? NaN];
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    const own = fills ? ` fill="${colour(fills[index] ?? fill)}"` : '';
    seen.add(`<circle cx="${Math.round(x * 2) / 2}" cy="${Math.round(y * 2) / 2}" r="${radius}"${own}/>`);
  }
  return `<g fill="${colour(fill)}"${opacity}>${[...seen].join('')}</g>`;
}

function textOf(mark: Mark & { kind: 'text' }, colour: SvgStyle['colour']): string {
  const { x, y, text, size, anchor = 'start', baseline = 'bottom', bold, upright } = mark;
  // Not by dominant-baseline, which few programs for drawing know.
  const down = baseline === 'middle' ? size * 0.36 : baseline === 'top' ? size * 0.8 : 0;
  const place = upright
    ? `transform="translate(${short(x + down)} ${short(y)}) rotate(-90)"`
    : `x="${short(x)}" y="${short(y + down)}"`;
  const weight = bold ? ' font-weight="600"' : '';
  return `<text ${place} font-size="${size}" text-anchor="${anchor}"${weight} fill="${colour(mark.fill)}">${escapeText(text)}</text>`;
}
