import { formatCount } from '../../chart/numbers.js';
import { type LiveState, liveStates } from '../../live/states.js';
import { pageColours, prepareCanvas } from '../canvas.js';
import { el } from '../dom.js';
import { onRedraw } from '../redraw.js';
import { drawCell } from './glyph.js';

/** Which state looks how, and how many points are in it; a press shows them alone. */
export class Legend {
  readonly element = el('div', {
    class: 'legend',
    set: { role: 'group', 'aria-label': 'Show only points that are' },
  });
  readonly #counts = new Map<LiveState, HTMLElement>();
  readonly #buttons = new Map<LiveState, HTMLButtonElement>();
  readonly #onChoose: (state: LiveState | undefined) => void;
  #chosen: LiveState | undefined;

  constructor(onChoose: (state: LiveState | undefined) => void) {
    this.#onChoose = onChoose;
    for (const state of ['done', 'running', 'pending', 'failed', 'lost', 'cancelled'] as const)
      this.element.append(this.#entry(state));
  }

  show(counts: Readonly<Record<LiveState, number>>): void {
    for (const state of liveStates) {
      const [button, count] = [this.#buttons.get(state), this.#counts.get(state)];
      if (!button || !count) continue;
      count.textContent = formatCount(counts[state]);
      // There is always something that says what the usual colours mean.
      button.hidden = counts[state] === 0 && (state === 'cancelled' || state === 'lost');
    }
  }

  #entry(state: LiveState): HTMLElement {
    const swatch = el('canvas', { class: 'swatch', set: { 'aria-hidden': 'true' } });
    const count = el('b', { text: '0' });
    const entry = el(
      'button',
      { set: { type: 'button', 'aria-pressed': 'false' } },
      swatch,
      count,
      ` ${state}`,
    );
    entry.addEventListener('click', () => this.#choose(this.#chosen === state ? undefined : state));
    this.#counts.set(state, count);
    this.#buttons.set(state, entry);
    onRedraw(entry, () => drawCell(prepareCanvas(swatch, 14, 14), state, [0, 0, 14], pageColours()));
    return entry;
  }

  #choose(state: LiveState | undefined): void {
    this.#chosen = state;
    for (const [each, button] of this.#buttons) button.setAttribute('aria-pressed', String(each === state));
    this.#onChoose(state);
  }
}
