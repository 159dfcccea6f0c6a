import { el } from '../dom.js';
import { setText } from './overview-part.js';
import type { KnownSweep } from './store.js';
import { percentDone } from './words.js';

interface Tab {
  readonly button: HTMLButtonElement;
  readonly share: HTMLElement;
}

/** A tab for each sweep (WAI-ARIA Authoring Practices, tabs): arrow keys go from one to the next. */
export class Tabs {
  readonly element = el('div', { class: 'tabs', set: { role: 'tablist', 'aria-label': 'Sweeps' } });
  readonly #tabs = new Map<string, Tab>();
  readonly #onChoose: (id: string) => void;
  #chosen = '';

  constructor(onChoose: (id: string) => void) {
    this.#onChoose = onChoose;
    this.element.addEventListener('keydown', (event) => this.#key(event));
  }

  show(sweep: KnownSweep): void {
    const tab = this.#tabs.get(sweep.id) ?? this.#add(sweep);
    const { status } = sweep;
    setText(tab.share, status?.ended ? status.state : `${percentDone(sweep)} %`);
  }

  choose(id: string): void {
    this.#chosen = id;
    for (const [each, { button }] of this.#tabs) {
      button.setAttribute('aria-selected', String(each === id));
      button.tabIndex = each === id ? 0 : -1;
      // Only the panel that is shown is in the page.
      if (each === id) button.setAttribute('aria-controls', `panel-${id}`);
      else button.removeAttribute('aria-controls');
    }
    this.#onChoose(id);
  }

  #add({ id, name }: KnownSweep): Tab {
    const share = el('span', { class: 'share' });
    const set = {
      type: 'button',
      role: 'tab',
      id: `tab-${id}`,
      'aria-selected': 'false',
    };
    const button = el('button', { set }, el('span', { class: 'name', text: name }), share);
    button.addEventListener('click', () => this.choose(id));
    this.#tabs.set(id, { button, share });
    this.element.append(button);
    return { button, share };
  }

  #key({ key }: KeyboardEvent): void {
    const ids = [...this.#tabs.keys()];
    const place = ids.indexOf(this.#chosen);
    const moves: Readonly<Record<string, number>> = {
      ...{ ArrowRight: place + 1, ArrowLeft: place - 1 + ids.length, Home: 0, End: ids.length - 1 },
    };
    const next = Object.hasOwn(moves, key) ? ids[(moves[key] ?? 0) % ids.length] : undefined;
    if (next === undefined) return;
    this.choose(next);
    this.#tabs.get(next)?.button.focus();
  }
}
