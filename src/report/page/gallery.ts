import { distinctValues, fieldOf, formatValue, type Field } from '../chart/field.js';
import type { ReportImage } from '../data.js';
import { chooser, el } from './dom.js';
import type { Model } from './model.js';
import { imageAddress } from './unpack.js';

type Image = Omit<ReportImage, 'data'> & { readonly index: number };

/** Places of the gallery in each direction. */
const most = { columns: 40, rows: 60 };
const nothing = '';

/** The pictures of the outputs, laid out by two parameters; the others are held at one value each. */
export function galleryView(
  model: Model,
  images: readonly Omit<ReportImage, 'data'>[],
  onPick: (rows: readonly number[]) => void,
): HTMLElement {
  return new Gallery(
    model,
    images.map((image, index) => ({ ...image, index })),
    onPick,
  ).element;
}

class Gallery {
  readonly element: HTMLElement;
  readonly #images: readonly Image[];
  readonly #onPick: (rows: readonly number[]) => void;
  readonly #fields: ReadonlyMap<string, Field>;
  readonly #bar = el('div', { class: 'bar' });
  readonly #wall = el('div', {
    class: 'wall',
    set: { tabindex: '0', role: 'region', 'aria-label': 'Pictures by parameters' },
  });
  readonly #held = new Map<string, number>();
  #path: string;
  #across: string;
  #down: string;

  constructor(model: Model, images: readonly Image[], onPick: (rows: readonly number[]) => void) {
    this.#images = images;
    this.#onPick = onPick;
    const rows = images.map(({ row }) => row);
    const varying = model.columns
      .filter(({ role }) => role === 'parameter')
      .map(fieldOf)
      .filter((field) => distinctValues(field, rows, 1) === undefined);
    this.#fields = new Map(varying.map((field) => [field.name, field]));
    // What has most values has most room.
    const sizes = varying
      .map((field) => ({
        name: field.name,
        count: distinctValues(field, rows, most.columns)?.length ?? Infinity,
      }))
      .sort((a, b) => b.count - a.count);
    this.#across = sizes[0]?.name ?? nothing;
    this.#down = sizes[1]?.name ?? nothing;
    this.#path = images[0]?.path ?? '';
    this.element = el('div', { class: 'gallery' }, this.#bar, this.#wall);
    this.#show();
  }

  #show(): void {
    this.#hold();
    this.#showBar();
    this.#showWall();
  }

  /** Parameters that are no direction have a value of those that there are. */
  #hold(): void {
    for (const [name, field] of this.#fields) {
      if (name === this.#across || name === this.#down) this.#held.delete(name);
      else if (!this.#held.has(name)) {
        const [value] =
          distinctValues(
            field,
            this.#images.map(({ row }) => row),
            Infinity,
          ) ?? [];
        if (value !== undefined) this.#held.set(name, value);
      }
    }
  }

  #showBar(): void {
    const names = [...this.#fields.keys()].map((name) => ({ value: name, label: name }));
    const none = { value: nothing, label: 'nothing' };
    const change = (apply: (value: string) => void) => (value: string) => {
      const place = [...this.#bar.querySelectorAll('select')].indexOf(
        document.activeElement as HTMLSelectElement,
      );
      apply(value);
      this.#show();
      this.#bar.querySelectorAll('select')[place]?.focus();
    };
    const paths = [...new Set(this.#images.map(({ path }) => path))];
    const held = [...this.#held].map(([name, value]) => {
      const field = this.#fields.get(name);
      const values = field
        ? (distinctValues(
            field,
            this.#images.map(({ row }) => row),
            Infinity,
          ) ?? [])
        : [];
      const choices = values.map((each) => ({
        value: String(each),
        label: field ? formatValue(field, each) : '',
      }));
      return chooser(
        name,
        choices,
        String(value),
        change((text) => this.#held.set(name, Number(text))),
      );
    });
    this.#bar.replaceChildren(
      ...(paths.length > 1
        ? [
            chooser(
              'File',
              paths.map((path) => ({ value: path, label: path })),
              this.#path,
              change((path) => (this.#path = path)),
            ),
          ]
        : []),
      ...(names.length > 0
        ? [
            chooser(
              'Across',
              [none, ...names],
              this.#across,
              change((name) => this.#turn('across', name)),
            ),
          ]
        : []),
      ...(names.length > 1
        ? [
            chooser(
              'Down',
              [none, ...names],
              this.#down,
              change((name) => this.#turn('down', name)),
            ),
          ]
        : []),
      ...held,
    );
  }

  /** No parameter goes both ways. */
  #turn(way: 'across' | 'down', name: string): void {
    if (way === 'across') {
      if (name === this.#down) this.#down = this.#across;
      this.#across = name;
    } else {
      if (name === this.#across) this.#across = this.#down;
      this.#down = name;
    }
  }

  #showWall(): void {
    const shown = this.#images.filter(
      ({ path, row }) =>
        path === this.#path &&
        [...this.#held].every(([name, value]) => this.#fields.get(name)?.values[row] === value),
    );
    const [across, down] = [this.#fields.get(this.#across), this.#fields.get(this.#down)];
    if (!across && !down) {
      this.#wall.replaceChildren(el('div', { class: 'heap' }, ...shown.map((image) => this.#tile(image))));
      return;
    }
    const rows = shown.map(({ row }) => row);
    const columns = across ? (distinctValues(across, rows, Infinity) ?? []).slice(0, most.columns) : [NaN];
    const lines = down ? (distinctValues(down, rows, Infinity) ?? []).slice(0, most.rows) : [NaN];
    const head = el('tr', {}, el('td', { text: [down?.name, across?.name].filter(Boolean).join(' \\ ') }));
    for (const value of columns)
      head.append(el('th', { set: { scope: 'col' }, text: across ? formatValue(across, value) : '' }));
    const body = lines.map((value) => {
      const line = el(
        'tr',
        {},
        el('th', { set: { scope: 'row' }, text: down ? formatValue(down, value) : '' }),
      );
      for (const column of columns) {
        const here = shown.filter(
          ({ row }) => (!across || across.values[row] === column) && (!down || down.values[row] === value),
        );
        line.append(el('td', {}, ...here.slice(0, 1).map((image) => this.#tile(image))));
      }
      return line;
    });
    this.#wall.replaceChildren(el('table', {}, el('thead', {}, head), el('tbody', {}, ...body)));
  }

  #tile({ index, type, row, point, path }: Image): HTMLElement {
    const picture = el('img', { set: { alt: `point ${point}: ${path}`, loading: 'lazy' } });
    picture.addEventListener('load', () => picture.classList.toggle('small', picture.naturalWidth <= 128));
    picture.src = imageAddress(index, type);
    const tile = el('button', { class: 'tile', set: { type: 'button', title: `Point ${point}` } }, picture);
    tile.addEventListener('click', () => this.#onPick([row]));
    return tile;
  }
}
