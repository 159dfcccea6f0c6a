import { columnNamed } from '../columns.js';
import { formatCount } from '../chart/numbers.js';
import { titleOf } from '../chart/field.js';
import type { ReportColumn } from '../data.js';
import { csvOf, shownText, sortRows } from '../table-text.js';
import { button, checkbox, el, saveFile } from './dom.js';
import type { Model } from './model.js';

const rowHeight = 30;
/** Browsers have no elements that are much higher. */
const mostPixels = 8_000_000;
/** Columns that are shown before somebody chooses others. */
const firstColumns = 24;
const hiddenAtFirst: ReadonlySet<string> = new Set([
  ...['gva_stage_s', 'gva_boot_s', 'gva_shutdown_s', 'gva_other_s', 'gva_attempts', 'gva_status'],
]);

/** The rows that are chosen, as a table that has only those in the page which are seen. */
export class TableView {
  readonly element: HTMLElement;
  readonly #model: Model;
  readonly #onPick: (row: number) => void;
  readonly #scroller = el('div', {
    class: 'table',
    set: { tabindex: '0', role: 'region', 'aria-label': 'Table of results' },
  });
  readonly #head = el('tr', { set: { 'aria-rowindex': '1' } });
  readonly #columnGroup = el('colgroup');
  readonly #table: HTMLTableElement;
  readonly #body = el('tbody');
  readonly #count = el('span', { class: 'hint', set: { role: 'status' } });
  #columns: readonly ReportColumn[];
  #rows: Int32Array;
  #sort: { readonly column: ReportColumn; readonly descending: boolean } | undefined;

  /** @param name of the file that the table is saved as, without its ending */
  constructor(model: Model, name: string, onPick: (row: number) => void) {
    this.#model = model;
    this.#onPick = onPick;
    this.#columns = firstShown(model.columns);
    this.#rows = model.chosen.slice();
    this.#table = el('table', {}, this.#columnGroup, el('thead', {}, this.#head), this.#body);
    this.#scroller.append(this.#table);
    const save = button('Download CSV', 'Save the rows that are chosen, with all columns', () =>
      saveFile(`${name}.csv`, 'text/csv', csvOf(model.columns, this.#rows)),
    );
    const bar = el('div', { class: 'bar' }, this.#count, el('span', { class: 'gap' }), this.#chooser(), save);
    this.element = el('div', { class: 'table-view' }, bar, this.#scroller);
    this.#scroller.addEventListener('scroll', () => this.#draw(), { passive: true });
    new ResizeObserver(() => this.#draw()).observe(this.#scroller);
    model.onChange(() => this.#refresh());
    this.#showColumns();
    this.#refresh();
  }

  #refresh(): void {
    this.#rows = this.#model.chosen.slice();
    if (this.#sort) sortRows(this.#rows, this.#sort.column, this.#sort.descending);
    const [chosen, all] = [this.#rows.length, this.#model.rows];
    this.#count.textContent =
      chosen === all ? `${formatCount(all)} rows` : `${formatCount(chosen)} of ${formatCount(all)} rows`;
    this.#table.setAttribute('aria-rowcount', String(chosen + 1));
    this.#scroller.scrollTop = 0;
    this.#draw();
  }

  #chooser(): HTMLElement {
    const boxes = this.#model.columns.map((column) =>
      checkbox(column.name, this.#columns.includes(column), (on) => {
        const shown = new Set(this.#columns);
        if (on) shown.add(column);
        else shown.delete(column);
        this.#columns = byInterest(this.#model.columns.filter((each) => shown.has(each)));
        this.#showColumns();
        this.#draw();
      }),
    );
    return el(
      'details',
      { class: 'menu' },
      el('summary', { text: 'Columns' }),
      el('div', { class: 'menu-body' }, ...boxes),
    );
  }

  #showColumns(): void {
    this.#table.setAttribute('aria-colcount', String(this.#columns.length));
    const widths = this.#columns.map((column) => widthOf(column, this.#model.rows));
    this.#columnGroup.replaceChildren(
      ...widths.map((width) => {
        const column = el('col');
        column.style.width = `${width}px`;
        return column;
      }),
    );
    this.#table.style.width = `${widths.reduce((sum, width) => sum + width, 0)}px`;
    this.#head.replaceChildren(...this.#columns.map((column) => this.#headOf(column)));
  }

  #headOf(column: ReportColumn): HTMLElement {
    const isSorted = this.#sort?.column === column;
    const sort = isSorted ? (this.#sort?.descending ? 'descending' : 'ascending') : 'none';
    const mark = sort === 'none' ? '' : sort === 'ascending' ? ' ▲' : ' ▼';
    const sorter = button(`${titleOf(column.name)}${mark}`, `Sort by ${column.name}`, () =>
      this.#sortBy(column),
    );
    return el(
      'th',
      {
        class: `${column.role}${isNumeric(column) ? ' number' : ''}`,
        set: { scope: 'col', 'aria-sort': sort },
      },
      sorter,
    );
  }

  /** Upwards, then downwards, then as in the plan. */
  #sortBy(column: ReportColumn): void {
    const before = this.#sort?.column === column ? this.#sort : undefined;
    this.#sort = before?.descending ? undefined : { column, descending: before !== undefined };
    const place = this.#columns.indexOf(column);
    this.#head.replaceChildren(...this.#columns.map((each) => this.#headOf(each)));
    this.#head.querySelectorAll('button')[place]?.focus();
    this.#refresh();
  }

  /** Rows that are seen, with empty room for those before and behind. */
  #draw(): void {
    const { scrollTop, clientHeight } = this.#scroller;
    const count = this.#rows.length;
    const full = Math.min(count * rowHeight, mostPixels);
    const seen = Math.ceil((clientHeight || 600) / rowHeight) + 8;
    const share = full > clientHeight ? scrollTop / (full - clientHeight) : 0;
    const isWhole = full === count * rowHeight;
    const top = isWhole ? Math.floor(scrollTop / rowHeight) - 4 : Math.floor(share * (count - seen + 8)) - 4;
    const first = Math.max(0, Math.min(count - seen, top));
    const shown = this.#rows.subarray(first, first + seen);
    const before = isWhole
      ? first * rowHeight
      : Math.max(0, Math.min(full - seen * rowHeight, scrollTop - 4 * rowHeight));
    const focused = this.#focusedRow();
    const lines = Array.from(shown, (row, index) => this.#lineOf(row, first + index + 2));
    const behind = Math.max(0, full - before - shown.length * rowHeight);
    this.#body.replaceChildren(this.#room(before), ...lines, this.#room(behind));
    // The button that had the focus was made anew.
    if (focused !== undefined)
      this.#body.querySelector<HTMLElement>(`[data-row="${focused}"] button`)?.focus({ preventScroll: true });
  }

  #focusedRow(): string | undefined {
    const line = document.activeElement?.closest<HTMLElement>('tr[data-row]');
    return line && this.#body.contains(line) ? line.dataset['row'] : undefined;
  }

  #room(height: number): HTMLElement {
    const room = el('tr', { class: 'room', set: { 'aria-hidden': 'true' } });
    room.style.height = `${height}px`;
    return room;
  }

  #lineOf(row: number, place: number): HTMLElement {
    const line = el('tr', { set: { 'aria-rowindex': String(place), 'data-row': String(row) } });
    for (const column of this.#columns) {
      const text = shownText(column, row);
      if (column.name === 'gva_point')
        line.append(
          el(
            'td',
            {},
            button(text, 'Show all of this point', () => this.#onPick(row)),
          ),
        );
      else if (column.name === 'gva_state')
        line.append(el('td', {}, el('i', { class: `dot ${text}` }), text));
      else line.append(el('td', { text, class: isNumeric(column) ? 'number' : '', set: titled(text) }));
    }
    return line;
  }
}

const titled = (text: string): Record<string, string> => (text.length > 24 ? { title: text } : {});

const isNumeric = ({ kind, name }: ReportColumn) => kind === 'number' && name !== 'gva_point';

/** Columns that say something: not those that are the same everywhere and known. */
function firstShown(columns: readonly ReportColumn[]): ReportColumn[] {
  const known = columns.filter((column) => !hiddenAtFirst.has(column.name) && !isEmpty(column));
  const results = known.filter(({ role }) => role !== 'outcome');
  const outcomes = known.filter(({ role, name }) => role === 'outcome' && name !== 'gva_point');
  const shown = new Set([...results, ...outcomes].slice(0, firstColumns));
  const point = columnNamed(columns, 'gva_point');
  return byInterest(columns.filter((column) => shown.has(column) || column === point));
}

/** Parameters and state, then what came of them, then how it went. */
const byInterest = (columns: readonly ReportColumn[]): ReportColumn[] => {
  const rank = ({ name, role }: ReportColumn) =>
    name === 'gva_point'
      ? 0
      : role === 'parameter'
        ? 1
        : name === 'gva_state'
          ? 2
          : role === 'result'
            ? 3
            : 4;
  return [...columns].sort((a, b) => rank(a) - rank(b));
};

const isEmpty = (column: ReportColumn) =>
  column.kind === 'text'
    ? column.words.length === 0
    : column.values.every((value) => value === null) &&
      (column.kind === 'time' || Object.keys(column.texts ?? {}).length === 0);

/** Of some rows, the widest text. */
function widthOf(column: ReportColumn, rows: number): number {
  let longest = titleOf(column.name).length + 2;
  const step = Math.max(1, Math.floor(rows / 200));
  for (let row = 0; row < rows; row += step) longest = Math.max(longest, shownText(column, row).length);
  return Math.round(Math.min(300, 30 + longest * 7.6));
}
