import { concurrencyScene } from '../chart/concurrency.js';
import { durationScale } from '../chart/scale.js';
import { formatSeconds } from '../chart/numbers.js';
import { axesMarks, legendMarks } from '../chart/axes.js';
import type { Frame, Hit, Paint } from '../chart/scene.js';
import { describeRow } from '../chart/field.js';
import { cellText, columnNamed } from '../columns.js';
import { reportedStates } from '../data.js';
import { type Run, type Timeline, phases, timelineOf } from '../timeline.js';
import { drawMark, drawScene, pageColours, prepareCanvas } from './canvas.js';
import { button, chooser, el } from './dom.js';
import type { Model } from './model.js';
import { onRedraw } from './redraw.js';
import { Tooltip } from './tooltip.js';

/** Pixels of all lanes together. */
const mostHeight = 420;
const laneHeights = { least: 0.5, most: 14 };

/** Who ran when: how many at once, and below a lane for each of those that ran side by side. */
export class TimelineView {
  readonly element: HTMLElement;
  readonly #model: Model;
  readonly #onPick: (rows: readonly number[]) => void;
  readonly #above = el('canvas', { class: 'chart' });
  readonly #lanes = el('canvas', {
    class: 'chart lanes',
    set: { tabindex: '0', role: 'application', 'aria-label': laneHelp },
  });
  readonly #tooltip = new Tooltip();
  #timeline: Timeline;
  #from = 0;
  #to = 1;
  #colourBy: 'phase' | 'state' = 'phase';
  #frame: Frame = { left: 52, right: 100, top: 26, bottom: 100 };
  #laneHeight = 1;
  #waiting = false;

  constructor(model: Model, onPick: (rows: readonly number[]) => void) {
    this.#model = model;
    this.#onPick = onPick;
    this.#timeline = timelineOf(model.columns, model.rows);
    this.#to = this.#timeline.span;
    const plots = el('figure', { class: 'chart-view' }, this.#above, this.#lanes, this.#tooltip.element);
    this.element = el('div', {}, this.#controls(), plots);
    onRedraw(this.element, () => this.#draw());
    model.onChange(() => this.#drawSoon());
    this.#listen();
  }

  #controls(): HTMLElement {
    const by = [
      { value: 'phase', label: 'what it was doing' },
      { value: 'state', label: 'how it ended' },
    ];
    return el(
      'div',
      { class: 'bar' },
      chooser('Colour', by, this.#colourBy, (value) => {
        this.#colourBy = value === 'state' ? 'state' : 'phase';
        this.#drawSoon();
      }),
      el('span', { class: 'gap' }),
      button('Zoom in', 'Zoom in (+)', () => this.#zoom(0.5)),
      button('Zoom out', 'Zoom out (-)', () => this.#zoom(2)),
      button('All', 'Show all of it (0)', () => this.#show(0, this.#timeline.span)),
    );
  }

  #listen(): void {
    const lanes = this.#lanes;
    let drag: { x: number; from: number; moved: boolean } | undefined;
    lanes.addEventListener('pointerdown', (event) => {
      drag = { x: event.offsetX, from: this.#from, moved: false };
      lanes.setPointerCapture(event.pointerId);
    });
    lanes.addEventListener('pointermove', (event) => {
      if (drag) {
        const by = ((drag.x - event.offsetX) / this.#width) * (this.#to - this.#from);
        drag.moved ||= Math.abs(drag.x - event.offsetX) > 3;
        if (drag.moved) this.#show(drag.from + by, drag.from + by + this.#to - this.#from);
      }
      const hit = drag?.moved ? undefined : this.#hit(event.offsetX, event.offsetY);
      this.#tooltip.show(hit, lanes);
    });
    lanes.addEventListener('pointerup', (event) => {
      const hit = drag?.moved ? undefined : this.#hit(event.offsetX, event.offsetY);
      drag = undefined;
      if (hit) this.#onPick(hit.rows);
    });
    lanes.addEventListener('pointercancel', () => (drag = undefined));
    lanes.addEventListener('pointerleave', () => this.#tooltip.hide());
    lanes.addEventListener(
      'wheel',
      (event) => {
        // Without a key, it scrolls the page.
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        this.#zoom(1.002 ** event.deltaY, this.#timeAt(event.offsetX));
      },
      { passive: false },
    );
    lanes.addEventListener('keydown', (event) => {
      if (this.#key(event.key)) event.preventDefault();
    });
  }

  #key(key: string): boolean {
    const span = this.#to - this.#from;
    if (key === '+' || key === '=') this.#zoom(0.5);
    else if (key === '-') this.#zoom(2);
    else if (key === '0' || key === 'Home') this.#show(0, this.#timeline.span);
    else if (key === 'ArrowLeft') this.#show(this.#from - span / 5, this.#to - span / 5);
    else if (key === 'ArrowRight') this.#show(this.#from + span / 5, this.#to + span / 5);
    else return false;
    return true;
  }

  get #width(): number {
    return this.#frame.right - this.#frame.left;
  }

  #timeAt(x: number): number {
    return this.#from + ((x - this.#frame.left) / this.#width) * (this.#to - this.#from);
  }

  #zoom(factor: number, around = (this.#from + this.#to) / 2): void {
    this.#show(around - (around - this.#from) * factor, around + (this.#to - around) * factor);
  }

  /** Within what there is. */
  #show(from: number, to: number): void {
    const { span } = this.#timeline;
    const length = Math.min(span, Math.max(span / 100_000, 0.01, to - from));
    this.#from = Math.max(0, Math.min(span - length, from));
    this.#to = this.#from + length;
    this.#drawSoon();
  }

  #drawSoon(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#draw();
    });
  }

  #draw(): void {
    const width = this.element.clientWidth;
    if (width === 0) return;
    drawScene(this.#above, concurrencyScene(this.#timeline, width, 190));
    this.#drawLanes(width);
  }

  #drawLanes(width: number): void {
    const { lanes, runs } = this.#timeline;
    const fitting = mostHeight / Math.max(1, lanes);
    this.#laneHeight = Math.max(laneHeights.least, Math.min(laneHeights.most, fitting));
    const top = this.#colourBy === 'state' ? 26 : 6;
    const bottom = top + Math.min(mostHeight, lanes * this.#laneHeight);
    this.#frame = { left: 52, right: width - 18, top, bottom };
    const context = prepareCanvas(this.#lanes, width, bottom + 30);
    const colours = pageColours();
    const font = getComputedStyle(this.#lanes).fontFamily;
    const { left, right } = this.#frame;
    const x = durationScale([this.#from, this.#to], [left, right], width / 120);
    const y = { at: () => 0, ticks: [], band: 0 };
    const axes = axesMarks(this.#frame, { scale: x, title: '' }, { scale: y, title: '' });
    for (const mark of axes) drawMark(context, mark, colours, font);
    if (this.#colourBy === 'state')
      for (const mark of legendMarks(this.#legend(), this.#frame, 10)) drawMark(context, mark, colours, font);
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    const chosen = this.#chosenRows();
    const last = new Float64Array(lanes).fill(-1);
    for (const run of runs) {
      if ((run.ends.at(-1) ?? 0) < this.#from || run.start > this.#to) continue;
      context.globalAlpha = chosen?.has(run.row) === false ? 0.12 : 1;
      this.#drawRun(context, run, x.at, last, colours);
    }
    context.restore();
  }

  /** What the colours of the phases mean, the picture above says. */
  #legend(): { label: string; paint: Paint }[] {
    const there = new Set(this.#timeline.runs.map(({ state }) => state));
    return reportedStates
      .filter((state) => there.has(state))
      .map((state) => ({ label: state, paint: state }));
  }

  /** A run that is narrower than a pixel is drawn only where its lane has nothing yet. */
  #drawRun(
    context: CanvasRenderingContext2D,
    run: Run,
    at: (time: number) => number,
    last: Float64Array,
    colours: (paint: Paint) => string,
  ): void {
    const [from, to] = [at(run.start), at(run.ends.at(-1) ?? run.start)];
    const place = this.#frame.top + run.lane * this.#laneHeight;
    const height = this.#laneHeight > 4 ? this.#laneHeight - 1 : this.#laneHeight;
    const isBad = run.state === 'failed' || run.state === 'lost';
    if (to - from < 0.7 && to < (last[run.lane] ?? -1) + 0.7 && !isBad) return;
    last[run.lane] = to;
    if (this.#colourBy === 'state' || to - from < 4) {
      context.fillStyle = colours(this.#colourBy === 'state' ? run.state : 'script');
      context.fillRect(from, place, Math.max(0.7, to - from - (to - from > 6 ? 0.5 : 0)), height);
      return;
    }
    let begin = from;
    for (const [index, phase] of phases.entries()) {
      const end = at(run.ends[index] ?? run.start);
      context.fillStyle = colours(phase);
      context.fillRect(begin, place, end - begin - (index === phases.length - 1 ? 0.5 : 0), height);
      begin = end;
    }
  }

  #chosenRows(): ReadonlySet<number> | undefined {
    const { chosen, rows } = this.#model;
    return chosen.length === rows ? undefined : new Set(chosen);
  }

  #hit(x: number, y: number): Hit | undefined {
    const { left, right, top, bottom } = this.#frame;
    if (x < left || x > right || y < top || y > bottom) return undefined;
    const lane = Math.floor((y - top) / this.#laneHeight);
    const time = this.#timeAt(x);
    const reach = (2 * (this.#to - this.#from)) / this.#width;
    const run = this.#timeline.runs.find(
      (each) => each.lane === lane && time >= each.start - reach && time <= (each.ends.at(-1) ?? 0) + reach,
    );
    if (!run) return undefined;
    const { columns } = this.#model;
    const point = columnNamed(columns, 'gva_point');
    const seconds = (run.ends.at(-1) ?? run.start) - run.start;
    const lines = [
      `point ${point ? cellText(point, run.row) : run.row}: ${run.state}`,
      ...describeRow(columns, run.row),
      `${formatSeconds(seconds)}, from ${formatSeconds(run.start)} on`,
    ];
    return { x, y, rows: [run.row], lines };
  }
}

const laneHelp =
  'Lanes of instances over time. Arrow keys move, plus and minus zoom, 0 shows all of it. The table has the same data.';
