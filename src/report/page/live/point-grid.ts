import { formatCount } from '../../chart/numbers.js';
import { type Grid, cellState, layOutGrid, placeOf, pointAt } from '../../live/grid.js';
import { keyMove } from '../../live/key-move.js';
import { type LiveState, stateOfCode } from '../../live/states.js';
import { pageColours, prepareCanvas } from '../canvas.js';
import { el } from '../dom.js';
import { onRedraw } from '../redraw.js';
import { Tooltip } from '../tooltip.js';
import { drawCell } from './glyph.js';

const help =
  'Grid of points. Arrow keys move from point to point, Page Up and Page Down by ten rows, Home and End to the ends, Enter shows the console.';

/** Said until there is something else to say. */
const hint =
  'Point at a cell to see what it is, or go there by arrow keys; a click or Enter shows its console.';

/** Pixels of a cell that failed or was lost: among thousands that are done it must not drown. */
const leastBad = 3;

export interface PointGridOptions {
  readonly states: () => Uint8Array;
  /** What to say of a point beside its state. */
  readonly describe: (point: number) => readonly string[];
  readonly onPick: (point: number) => void;
}

/** All points as cells that fill up; for the pointer and the keyboard. */
export class PointGrid {
  readonly element: HTMLElement;
  readonly #options: PointGridOptions;
  readonly #canvas = el('canvas', {
    class: 'chart grid',
    set: { tabindex: '0', role: 'application', 'aria-roledescription': 'grid of points', 'aria-label': help },
  });
  readonly #tooltip = new Tooltip();
  readonly #said = el('p', { class: 'hint said', set: { role: 'status' }, text: hint });
  #grid: Grid = layOutGrid(0, 100, 100);
  #cursor: number | undefined;
  #only: LiveState | undefined;
  #isWaiting = false;

  constructor(options: PointGridOptions) {
    this.#options = options;
    this.element = el('figure', { class: 'chart-view' }, this.#canvas, this.#tooltip.element, this.#said);
    onRedraw(this.element, () => this.#draw());
    this.#listen();
  }

  /** Shows points in one state more clearly than all others. */
  highlight(state: LiveState | undefined): void {
    this.#only = state;
    this.drawSoon();
  }

  drawSoon(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    requestAnimationFrame(() => {
      this.#isWaiting = false;
      this.#draw();
    });
  }

  #listen(): void {
    const at = (event: MouseEvent) =>
      pointAt(this.#grid, this.#options.states().length, event.offsetX, event.offsetY);
    this.#canvas.addEventListener('pointermove', (event) => this.#point(at(event)));
    this.#canvas.addEventListener('pointerleave', () => this.#point(undefined));
    this.#canvas.addEventListener('click', (event) => {
      const point = at(event);
      if (point === undefined) return;
      this.#moveTo(point);
      this.#options.onPick(point);
    });
    this.#canvas.addEventListener('focus', () => this.#moveTo(this.#cursor ?? 0));
    this.#canvas.addEventListener('blur', () => this.drawSoon());
    this.#canvas.addEventListener('keydown', (event) => this.#key(event));
  }

  #key(event: KeyboardEvent): void {
    const [count, cursor] = [this.#options.states().length, this.#cursor ?? 0];
    if (event.ctrlKey || event.metaKey || event.altKey || count === 0) return;
    if (event.key === 'Enter' || event.key === ' ') this.#options.onPick(cursor);
    else {
      const next = keyMove(event.key, cursor, count, this.#grid);
      if (next === undefined) return;
      this.#moveTo(next);
    }
    event.preventDefault();
  }

  #moveTo(point: number): void {
    this.#cursor = point;
    this.#said.textContent = this.#linesOf(point).join(', ');
    this.drawSoon();
  }

  #point(point: number | undefined): void {
    this.#canvas.classList.toggle('points', point !== undefined);
    const place = point === undefined ? undefined : placeOf(this.#grid, point);
    this.#tooltip.show(
      place && point !== undefined
        ? { x: place.x + this.#grid.side, y: place.y, rows: [point], lines: this.#linesOf(point) }
        : undefined,
      this.#canvas,
    );
  }

  #linesOf(point: number): string[] {
    const states = this.#options.states();
    const { share } = this.#grid;
    if (point >= states.length) return [];
    if (share === 1)
      return [`Point ${point}: ${stateOfCode(states[point] ?? 0)}`, ...this.#options.describe(point)];
    const last = Math.min(point + share, states.length) - 1;
    return [`Points ${point} to ${last}`, `at least one is ${cellState(states, point, share)}`];
  }

  #draw(): void {
    const [width, states] = [this.element.clientWidth, this.#options.states()];
    if (width === 0) return;
    const grid = layOutGrid(states.length, width, Math.max(220, Math.min(420, width * 0.8)));
    this.#grid = grid;
    const context = prepareCanvas(this.#canvas, width, Math.max(grid.height, 8));
    context.clearRect(0, 0, width, grid.height);
    const colours = pageColours();
    const bad: [LiveState, number, number][] = [];
    for (let point = 0; point < states.length; point += grid.share) {
      const state = cellState(states, point, grid.share);
      context.globalAlpha = this.#only === undefined || this.#only === state ? 1 : 0.15;
      const { x, y } = placeOf(grid, point);
      drawCell(context, state, [x, y, grid.side], colours);
      if (grid.side < leastBad && (state === 'failed' || state === 'lost')) bad.push([state, x, y]);
    }
    for (const [state, x, y] of bad) {
      context.globalAlpha = this.#only === undefined || this.#only === state ? 1 : 0.15;
      drawCell(context, state, [x - 0.5, y - 0.5, leastBad], colours);
    }
    context.globalAlpha = 1;
    this.#drawCursor(context, colours('ink'));
    this.#canvas.dataset['points'] = formatCount(states.length);
  }

  #drawCursor(context: CanvasRenderingContext2D, ink: string): void {
    if (this.#cursor === undefined || document.activeElement !== this.#canvas) return;
    const { x, y } = placeOf(this.#grid, this.#cursor);
    const side = Math.max(this.#grid.side, 7);
    context.strokeStyle = ink;
    context.lineWidth = 2;
    context.strokeRect(x - 0.5, y - 0.5, side + 1, side + 1);
  }
}
