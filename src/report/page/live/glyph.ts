import type { LiveState } from '../../live/states.js';
import type { Colours } from '../canvas.js';

/**
 * Draws a cell. Each state has a sign beside its colour, so that who sees few colours tells them apart: full, a cross, a
 * bar, a dot, a stroke, an outline.
 *
 * @param side pixels
 */
export function drawCell(
  context: CanvasRenderingContext2D,
  state: LiveState,
  [x, y, side]: readonly [number, number, number],
  colours: Colours,
): void {
  context.fillStyle = colours(state);
  if (side < 7) {
    context.fillRect(x, y, side, side);
    return;
  }
  context.beginPath();
  if (state === 'pending') outline(context, x, y, side, colours);
  else {
    context.roundRect(x, y, side, side, Math.min(4, side / 5));
    context.fill();
    sign(context, state, [x, y, side], colours);
  }
}

function outline(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  side: number,
  colours: Colours,
): void {
  context.strokeStyle = colours('pending');
  context.lineWidth = 1;
  context.roundRect(x + 0.5, y + 0.5, side - 1, side - 1, Math.min(4, side / 5));
  context.stroke();
}

function sign(
  context: CanvasRenderingContext2D,
  state: LiveState,
  [x, y, side]: readonly [number, number, number],
  colours: Colours,
): void {
  const [near, far, middle] = [side * 0.28, side * 0.72, side / 2];
  context.strokeStyle = colours('surface');
  context.fillStyle = colours('surface');
  context.lineWidth = Math.max(1.2, side / 9);
  context.lineCap = 'round';
  context.beginPath();
  if (state === 'failed') {
    context.moveTo(x + near, y + near);
    context.lineTo(x + far, y + far);
    context.moveTo(x + far, y + near);
    context.lineTo(x + near, y + far);
  } else if (state === 'lost') {
    context.moveTo(x + near, y + middle);
    context.lineTo(x + far, y + middle);
  } else if (state === 'cancelled') {
    context.moveTo(x + near, y + far);
    context.lineTo(x + far, y + near);
  } else if (state === 'running') {
    context.arc(x + middle, y + middle, side * 0.2, 0, 2 * Math.PI);
    context.fill();
  }
  context.stroke();
}
