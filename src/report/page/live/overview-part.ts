import { formatCount, formatSeconds } from '../../chart/numbers.js';
import type { LiveStatus } from '../../live/protocol.js';
import { el } from '../dom.js';
import {
  endSentence,
  perMinute,
  percentDone,
  plural,
  remainingRange,
  roughly,
  stateSentence,
} from './words.js';
import type { KnownSweep } from './store.js';

const shown = ['done', 'failed', 'lost', 'running'] as const;

/** Name, state, progress and numbers of a sweep. */
export class OverviewPart {
  readonly element: HTMLElement;
  readonly #lead = el('p', { class: 'lead', set: { role: 'status' } });
  readonly #end = el('p', { class: 'notice' });
  readonly #bar = el('div', {
    class: 'progress',
    set: { role: 'progressbar', 'aria-label': 'Points that have ended' },
  });
  readonly #parts = new Map<string, HTMLElement>();
  readonly #tiles = el('dl', { class: 'tiles' });
  readonly #values = new Map<string, { readonly main: HTMLElement; readonly more: HTMLElement }>();

  /** @param actions what can be done with the sweep */
  constructor(name: string, actions: HTMLElement) {
    for (const state of shown) {
      const part = el('span', { class: state });
      this.#parts.set(state, part);
      this.#bar.append(part);
    }
    for (const title of ['Done', 'Running', 'Not done', 'Rate', 'Time left'])
      this.#tiles.append(this.#tile(title));
    const kicker = el('p', { class: 'kicker', text: 'Sweep' });
    const title = el('div', {}, kicker, el('h1', { text: name }), this.#lead);
    const head = el('div', { class: 'head' }, title, actions);
    this.element = el('section', { class: 'overview' }, head, this.#end, this.#bar, this.#tiles);
  }

  show(sweep: KnownSweep): void {
    const { status } = sweep;
    if (!status) return;
    setText(this.#lead, stateSentence(status));
    setText(this.#end, status.ended ? endSentence(status) : '');
    this.#end.hidden = !status.ended;
    this.#end.classList.toggle('good', status.ended && status.counts.done === status.points);
    this.#showBar(sweep, status);
    this.#showTiles(status);
  }

  #showBar(sweep: KnownSweep, { counts, points, runningCount }: LiveStatus): void {
    const of = { done: counts.done, failed: counts.failed, lost: counts.lost, running: runningCount };
    for (const [state, part] of this.#parts)
      part.style.width = `${(100 * of[state as keyof typeof of]) / Math.max(1, points)}%`;
    const percent = percentDone(sweep);
    this.#bar.setAttribute('aria-valuenow', String(percent));
    this.#bar.setAttribute('aria-valuetext', `${percent} %`);
  }

  #showTiles(status: LiveStatus): void {
    const { points, counts, kept, parallel, runningCount, remaining, ended } = status;
    this.#set(
      'Done',
      formatCount(counts.done),
      `of ${formatCount(points)}${kept > 0 ? `, ${formatCount(kept)} before` : ''}`,
    );
    this.#set(
      'Running',
      formatCount(runningCount),
      ended ? 'it has ended' : `${formatCount(parallel)} at once at most`,
    );
    const bad = counts.failed + counts.lost;
    this.#set(
      'Not done',
      formatCount(bad),
      bad === 0 ? 'none failed' : `${formatCount(counts.failed)} failed, ${formatCount(counts.lost)} lost`,
    );
    this.#set('Rate', ended ? '–' : perMinute(status.perMinute), 'points per minute');
    if (ended) this.#set('Time left', 'none', tookText(status));
    else
      this.#set(
        'Time left',
        remaining ? roughly(remaining.seconds) : '–',
        remaining ? remainingRange(remaining) : 'not known yet',
      );
  }

  #set(title: string, main: string, more: string): void {
    const value = this.#values.get(title);
    if (!value) return;
    setText(value.main, main);
    setText(value.more, more);
  }

  #tile(title: string): HTMLElement {
    const [main, more] = [el('b'), el('span')];
    this.#values.set(title, { main, more });
    return el('div', {}, el('dt', { text: title }), el('dd', {}, main, more));
  }
}

function tookText({ startedAt, at, counts }: LiveStatus): string {
  const seconds = (Date.parse(at) - Date.parse(startedAt)) / 1000;
  return Number.isFinite(seconds) ? `${plural(counts.done, 'point')} in ${formatSeconds(seconds)}` : '';
}

/** What says the same is not written again: a screen reader would say it again. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
