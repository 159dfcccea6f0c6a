import { columnNamed } from '../../columns.js';
import type { LiveTable } from '../../live/protocol.js';
import { Details } from '../details.js';
import { el } from '../dom.js';
import { Model } from '../model.js';
import { PlotsView } from '../plots.js';
import { fetchTable } from './ask.js';
import type { KnownSweep } from './store.js';

/** Milliseconds between two tables, at least; of the time, this part at most is spent on fetching and drawing. */
const shortestPause = 2000;
const share = 1 / 10;

/** Plots of the results that have come so far; they grow. */
export class ResultsPart {
  readonly element: HTMLElement;
  readonly #sweep: KnownSweep;
  readonly #onTable: () => void;
  readonly #place = el('div');
  readonly #hint = el('p', { class: 'hint', text: 'Results are shown when the first points are done.' });
  #model: Model | undefined;
  #columns = '';
  #isFetching = false;
  #next = 0;

  constructor(sweep: KnownSweep, onTable: () => void) {
    this.#sweep = sweep;
    this.#onTable = onTable;
    const title = el('h2', { text: 'Results', set: { id: 'results-title' } });
    this.element = el(
      'section',
      { set: { 'aria-labelledby': 'results-title' } },
      title,
      this.#hint,
      this.#place,
    );
    setInterval(() => void this.#fetch(), 1000);
  }

  /** Fetches the table if there is a newer one. */
  async #fetch(): Promise<void> {
    const { id, tableVersion, table } = this.#sweep;
    const now = performance.now();
    const isCurrent = tableVersion === 0 || tableVersion === table?.version;
    if (isCurrent || this.#isFetching || now < this.#next || document.hidden || !this.element.isConnected)
      return;
    this.#isFetching = true;
    const fetched = await fetchTable(id);
    this.#isFetching = false;
    if (fetched) {
      this.#sweep.table = fetched;
      this.#show(fetched);
      this.#onTable();
    }
    this.#next = performance.now() + Math.max(shortestPause, (performance.now() - now) / share);
  }

  #show({ columns, rows }: LiveTable): void {
    const ended = (row: number) => {
      const state = columnNamed(columns, 'gva_state');
      return state?.kind === 'text' && state.words[state.codes[row] ?? -1] === 'done';
    };
    const anyDone = Array.from({ length: rows }, (_, row) => row).some(ended);
    this.#hint.hidden = anyDone;
    if (!anyDone) return;
    const names = columns.map(({ name, kind }) => `${name} ${kind}`).join('\n');
    if (this.#model && names === this.#columns) {
      this.#model.replace(columns);
      return;
    }
    this.#columns = names;
    // Other columns: what can be chosen is other, too.
    const model = new Model(columns);
    const details = new Details(model);
    this.#model = model;
    this.#place.replaceChildren(new PlotsView(model, (picked) => details.open(picked)).element);
  }
}
