import type { Chart } from '../chart/scene.js';
import { drawScene } from './canvas.js';
import { el } from './dom.js';
import { Tooltip } from './tooltip.js';
import { onRedraw } from './redraw.js';

export interface ChartViewOptions {
  /** Makes the chart for a width, in pixels; undefined where there is nothing to show. */
  readonly make: (width: number) => Chart | undefined;
  /** Somebody has clicked where rows are. */
  readonly onPick?: (rows: readonly number[]) => void;
  /** Said instead of a chart. */
  readonly empty?: string;
  /** Pixels that are kept free until it is drawn. */
  readonly height?: number;
}

/** A chart on a canvas as wide as its place, with what is under the pointer told. */
export class ChartView {
  readonly element: HTMLElement;
  readonly #canvas = el('canvas', { class: 'chart' });
  readonly #nothing: HTMLElement;
  readonly #options: ChartViewOptions;
  #chart: Chart | undefined;

  constructor(options: ChartViewOptions) {
    this.#options = options;
    this.#canvas.style.height = `${options.height ?? 230}px`;
    this.#nothing = el('p', { class: 'hint', text: options.empty ?? 'There is nothing to show.' });
    this.#nothing.hidden = true;
    const tooltip = new Tooltip();
    this.element = el('figure', { class: 'chart-view' }, this.#canvas, this.#nothing, tooltip.element);
    this.#canvas.addEventListener('pointermove', (event) => {
      const hit = this.#chart?.hit(event.offsetX, event.offsetY);
      tooltip.show(hit, this.#canvas);
      this.#canvas.classList.toggle('points', hit !== undefined && options.onPick !== undefined);
    });
    this.#canvas.addEventListener('pointerleave', () => tooltip.hide());
    this.#canvas.addEventListener('click', (event) => {
      const hit = this.#chart?.hit(event.offsetX, event.offsetY);
      if (hit) options.onPick?.(hit.rows);
    });
    onRedraw(this.element, () => this.draw());
  }

  draw(): void {
    const width = this.element.clientWidth;
    if (width === 0) return;
    this.#chart = this.#options.make(width);
    this.#canvas.hidden = this.#chart === undefined;
    this.#nothing.hidden = this.#chart !== undefined;
    if (this.#chart) drawScene(this.#canvas, this.#chart.scene);
  }
}
