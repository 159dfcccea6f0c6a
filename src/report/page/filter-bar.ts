import { columnNamed } from '../columns.js';
import { reportedStates } from '../data.js';
import { FilterError, parseFilter } from '../filter.js';
import { stateOf } from '../build.js';
import { button, checkbox, el } from './dom.js';
import type { Model } from './model.js';

/** What is typed and ticked here chooses the rows for all parts of the page. */
export class FilterBar {
  readonly element: HTMLElement;
  readonly #model: Model;
  readonly #input: HTMLInputElement;
  readonly #problem = el('span', { class: 'problem', set: { role: 'alert' } });
  readonly #hidden = new Set<string>();
  #timer = 0;

  constructor(model: Model) {
    this.#model = model;
    this.#input = el('input', {
      set: { type: 'search', placeholder: 'size>32 state=done', spellcheck: 'false', autocomplete: 'off' },
      on: {
        input: () => {
          clearTimeout(this.#timer);
          this.#timer = window.setTimeout(() => this.#apply(), 120);
        },
      },
    });
    const first = model.columns.find(({ role }) => role === 'parameter');
    this.#input.placeholder = first ? `${first.name}=…  state=failed  any word` : 'state=failed';
    const label = el('label', { class: 'field grow' }, el('span', { text: 'Filter' }), this.#input);
    const clear = button('Clear', 'Show all rows again', () => this.#clear());
    const states = this.#stateBoxes();
    this.element = el('div', { class: 'filter' }, label, clear, ...states, this.#problem);
  }

  #stateBoxes(): HTMLElement[] {
    const column = columnNamed(this.#model.columns, 'gva_state');
    if (column?.kind !== 'text') return [];
    const there = new Set(column.words.map(stateOf));
    const shown = reportedStates.filter((state) => there.has(state));
    if (shown.length < 2) return [];
    return shown.map((state) =>
      checkbox(state, true, (on) => {
        if (on) this.#hidden.delete(state);
        else this.#hidden.add(state);
        this.#apply();
      }),
    );
  }

  #clear(): void {
    this.#input.value = '';
    this.#hidden.clear();
    for (const box of this.element.querySelectorAll<HTMLInputElement>('[type=checkbox]')) box.checked = true;
    this.#apply();
  }

  #apply(): void {
    try {
      const { columns } = this.#model;
      const test = parseFilter(this.#input.value, columns);
      const column = columnNamed(columns, 'gva_state');
      const isHidden =
        column?.kind === 'text' ? column.words.map((word) => this.#hidden.has(stateOf(word))) : [];
      const codes = column?.kind === 'text' ? column.codes : [];
      this.#problem.textContent = '';
      this.#input.removeAttribute('aria-invalid');
      this.#model.choose((row) => !isHidden[codes[row] ?? -1] && test(row));
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      this.#input.setAttribute('aria-invalid', 'true');
      this.#problem.textContent = error.message;
    }
  }
}
