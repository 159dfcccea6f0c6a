import { formatCount } from '../../chart/numbers.js';
import type { RunningPoint } from '../../../model/sweep-status.js';
import type { LiveStatus } from '../../live/protocol.js';
import { el } from '../dom.js';
import { setText } from './overview-part.js';
import { roughly } from './words.js';

/** Lines that are shown; a grid may run more. */
const mostLines = 40;

interface Line {
  readonly element: HTMLElement;
  readonly button: HTMLButtonElement;
  readonly phase: HTMLElement;
  readonly time: HTMLElement;
  readonly meter: HTMLProgressElement;
}

/** The instances that run: how far each is, and for how long. */
export class RunningPart {
  readonly element: HTMLElement;
  readonly #list = el('ul', { class: 'running-list' });
  readonly #more = el('p', { class: 'hint' });
  readonly #lines = new Map<number, Line>();
  readonly #onPick: (point: number) => void;
  #status: LiveStatus | undefined;
  /** Milliseconds by which the clock of the sweep's host is ahead of this one's. */
  #ahead = 0;

  constructor(onPick: (point: number) => void) {
    this.#onPick = onPick;
    this.element = el('div', { class: 'running-part' }, this.#list, this.#more);
    setInterval(() => this.#showTimes(), 1000);
  }

  /** @param shown the point whose console is shown */
  show(status: LiveStatus, shown: number | undefined): void {
    this.#status = status;
    const at = Date.parse(status.at);
    if (Number.isFinite(at)) this.#ahead = at - Date.now();
    const points = status.running.slice(0, mostLines);
    const there = new Set(points.map(({ index }) => index));
    for (const [index, { element }] of this.#lines)
      if (!there.has(index)) {
        element.remove();
        this.#lines.delete(index);
      }
    for (const point of points) this.#showPoint(point, shown);
    const more = status.runningCount - points.length;
    setText(
      this.#more,
      points.length === 0 ? 'Nothing runs at the moment.' : more > 0 ? `and ${formatCount(more)} more` : '',
    );
    this.#showTimes();
  }

  #showPoint(point: RunningPoint, shown: number | undefined): void {
    const { index, phase, fraction, attempt } = point;
    const line = this.#lines.get(index) ?? this.#newLine(index);
    const isKnown = fraction !== undefined && phase === 'running';
    const share = Math.min(1, Math.max(0, fraction ?? 0));
    const again = attempt > 1 ? `, attempt ${attempt}` : '';
    setText(line.phase, `${phase}${isKnown ? ` ${Math.round(100 * share)} %` : ''}${again}`);
    line.meter.hidden = !isKnown;
    line.meter.value = share;
    line.button.setAttribute('aria-pressed', String(index === shown));
  }

  #newLine(index: number): Line {
    const [phase, time] = [el('span', { class: 'phase' }), el('span', { class: 'time' })];
    const meter = el('progress', {
      set: { max: '1', value: '0', 'aria-label': `Progress of point ${index}` },
    });
    const title = el('span', { class: 'name', text: `Point ${index}` });
    const button = el('button', { set: { type: 'button' } }, title, phase, time);
    button.addEventListener('click', () => this.#onPick(index));
    const element = el('li', {}, button, meter);
    const line = { element, button, phase, time, meter };
    this.#lines.set(index, line);
    this.#list.append(element);
    return line;
  }

  #showTimes(): void {
    const now = Date.now() + this.#ahead;
    for (const { index, since } of this.#status?.running ?? []) {
      const line = this.#lines.get(index);
      if (line) setText(line.time, roughly(Math.max(0, (now - Date.parse(since)) / 1000)));
    }
  }
}
