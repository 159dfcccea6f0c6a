import { cellText, columnNamed } from '../columns.js';
import { formatCount } from '../chart/numbers.js';
import { titleOf } from '../chart/field.js';
import type { ReportColumn, ReportImage } from '../data.js';
import { shownText } from '../table-text.js';
import { button, el } from './dom.js';
import type { Model } from './model.js';
import { imageAddress } from './unpack.js';

/** Points that are named in a list. */
const mostListed = 200;

/** A dialog that says all of one point, or which points there are at a place. */
export class Details {
  readonly #dialog: HTMLDialogElement;
  readonly #body = el('div', { class: 'details' });
  readonly #title = el('h2', { set: { id: 'details-title' } });
  readonly #model: Model;
  readonly #images: readonly Omit<ReportImage, 'data'>[];

  constructor(model: Model, images: readonly Omit<ReportImage, 'data'>[] = []) {
    this.#model = model;
    this.#images = images;
    const close = button('Close', 'Close this window (Esc)', () => this.#dialog.close());
    const head = el('header', {}, this.#title, close);
    this.#dialog = el('dialog', { set: { 'aria-labelledby': 'details-title' } }, head, this.#body);
    // A click beside it closes it.
    this.#dialog.addEventListener('click', (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    document.body.append(this.#dialog);
  }

  /** Opens the point that an address such as `#point-12` names. */
  openAddress(hash: string): void {
    const point = /^#point-(\d+)$/.exec(hash)?.[1];
    const column = columnNamed(this.#model.columns, 'gva_point');
    if (point === undefined || column?.kind !== 'number') return;
    const row = column.values.indexOf(Number(point));
    if (row >= 0) this.open([row]);
  }

  open(rows: readonly number[]): void {
    const [first] = rows;
    if (first === undefined) return;
    if (rows.length === 1) this.#showPoint(first);
    else this.#showList(rows);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#body.scrollTop = 0;
  }

  #showPoint(row: number): void {
    const { columns } = this.#model;
    this.#title.textContent = `Point ${this.#pointOf(row)}`;
    const pictures = this.#images
      .map((image, index) => ({ ...image, index }))
      .filter((image) => image.row === row)
      .map(({ index, type, path }) =>
        el(
          'figure',
          {},
          el('img', { set: { src: imageAddress(index, type), alt: path } }),
          el('figcaption', { text: path }),
        ),
      );
    const parts = (['parameter', 'result', 'outcome'] as const).flatMap((role) =>
      factsOf(
        columns.filter((column) => column.role === role),
        row,
        role,
      ),
    );
    this.#body.replaceChildren(...pictures, ...parts);
  }

  #showList(rows: readonly number[]): void {
    this.#title.textContent = `${formatCount(rows.length)} points`;
    const items = rows.slice(0, mostListed).map((row) =>
      el(
        'li',
        {},
        button(this.#pointOf(row), 'Show this point', () => this.open([row])),
        ` ${this.#shortly(row)}`,
      ),
    );
    const rest = rows.length - items.length;
    const more = rest > 0 ? el('p', { class: 'hint', text: `and ${formatCount(rest)} more` }) : undefined;
    this.#body.replaceChildren(el('ul', { class: 'points' }, ...items), ...(more ? [more] : []));
  }

  #pointOf(row: number): string {
    const column = columnNamed(this.#model.columns, 'gva_point');
    return column ? cellText(column, row) : String(row);
  }

  #shortly(row: number): string {
    const parameters = this.#model.columns.filter(({ role }) => role === 'parameter');
    return parameters.map((column) => `${column.name} = ${cellText(column, row)}`).join(', ');
  }
}

const titles = { parameter: 'Parameters', result: 'Results', outcome: 'How it went' } as const;

function factsOf(columns: readonly ReportColumn[], row: number, role: keyof typeof titles): Node[] {
  const shown = columns.filter((column) => cellText(column, row) !== '' && column.name !== 'gva_point');
  if (shown.length === 0) return [];
  const list = el('dl', { class: 'facts' });
  for (const column of shown)
    list.append(
      el('dt', { text: titleOf(column.name), set: { title: column.name } }),
      el('dd', { text: shownText(column, row) }),
    );
  return [el('h3', { text: titles[role] }), list];
}
