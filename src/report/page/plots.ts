import { type Field, allRows, distinctValues, fieldOf, titleOf } from '../chart/field.js';
import { type PlotKind, plot, plotKinds } from '../chart/plot.js';
import { firstPlot } from '../first-plot.js';
import type { ReportColumn } from '../data.js';
import { plotToSvg } from '../print.js';
import { ChartView } from './chart-view.js';
import { type Choice, button, checkbox, chooser, el, saveFile } from './dom.js';
import type { Model } from './model.js';

const kindLabels: Readonly<Record<PlotKind, string>> = {
  ...{ lines: 'Lines', scatter: 'Scatter', heat: 'Heat map', histogram: 'Distribution' },
};

/** Any column against any other. */
export class PlotsView {
  readonly element = el('div', { class: 'plots' });
  readonly #model: Model;
  readonly #fields = new Map<string, Field>();
  readonly #bar = el('div', { class: 'bar' });
  readonly #view: ChartView;
  #kind: PlotKind;
  #x: string;
  #y: string;
  #colour: string;
  #log = { x: false, y: false };

  constructor(model: Model, onPick: (rows: readonly number[]) => void) {
    this.#model = model;
    const first = firstPlot(model.columns, model.rows);
    [this.#kind, this.#x, this.#y, this.#colour] = [first.kind, first.x, first.y, first.colour ?? ''];
    this.#view = new ChartView({
      make: (width) => this.#make(width, Math.max(300, Math.min(460, Math.round(width * 0.5)))),
      onPick,
      height: 440,
      empty: 'Of the rows that are chosen, none has both values.',
    });
    this.element.append(this.#bar, this.#view.element);
    this.#showControls();
    model.onChange(() => {
      this.#fields.clear();
      this.#view.draw();
    });
  }

  #showControls(): void {
    const all = this.#model.columns.filter((column) => column.name !== 'gva_cause' || hasValues(column));
    const choices = all.map(({ name }): Choice => ({ value: name, label: titleOf(name) }));
    const none = { value: '', label: this.#kind === 'heat' ? 'number of points' : 'nothing' };
    const set = (change: (value: string) => void) => (value: string) => {
      change(value);
      this.#view.draw();
    };
    const kinds = plotKinds.map((kind): Choice => ({ value: kind, label: kindLabels[kind] }));
    const kind = chooser('Kind', kinds, this.#kind, (value) => {
      this.#kind = value as PlotKind;
      this.#showControls();
      this.#view.draw();
      this.#bar.querySelector('select')?.focus();
    });
    const isHistogram = this.#kind === 'histogram';
    const colourLabel = this.#kind === 'heat' ? 'Value' : 'Colour';
    const log = (axis: 'x' | 'y') =>
      checkbox(`log ${axis}`, this.#log[axis], (on) => {
        this.#log = { ...this.#log, [axis]: on };
        this.#view.draw();
      });
    const save = button('Save as SVG', 'Save this plot for a paper', () => this.#save());
    this.#bar.replaceChildren(
      kind,
      ...(isHistogram
        ? []
        : [
            chooser(
              'X',
              choices,
              this.#x,
              set((value) => (this.#x = value)),
            ),
          ]),
      chooser(
        isHistogram ? 'Of' : 'Y',
        choices,
        this.#y,
        set((value) => (this.#y = value)),
      ),
      ...(isHistogram
        ? []
        : [
            chooser(
              colourLabel,
              [none, ...choices],
              this.#colour,
              set((value) => (this.#colour = value)),
            ),
          ]),
      ...(this.#kind === 'heat' ? [] : [log('x')]),
      ...(this.#kind === 'heat' || isHistogram ? [] : [log('y')]),
      el('span', { class: 'gap' }),
      save,
    );
  }

  #make(width: number, height: number) {
    const spec = this.#spec(width, height);
    return spec && plot(this.#kind, spec);
  }

  #spec(width: number, height: number) {
    const [x, y] = [this.#field(this.#x), this.#field(this.#y)];
    if (!x || !y) return undefined;
    const known = this.#model.chosen.filter(
      (row) =>
        !Number.isNaN(y.values[row] ?? NaN) &&
        (this.#kind === 'histogram' || !Number.isNaN(x.values[row] ?? NaN)),
    );
    if (known.length === 0) return undefined;
    const colour = this.#colour === '' ? undefined : this.#field(this.#colour);
    return { x, y, colour, rows: known, logX: this.#log.x, logY: this.#log.y, width, height };
  }

  #field(name: string): Field | undefined {
    const column = this.#model.columns.find((each) => each.name === name);
    const field = this.#fields.get(name) ?? (column && fieldOf(column));
    if (field) this.#fields.set(name, field);
    return field;
  }

  #save(): void {
    const spec = this.#spec(640, 400);
    if (spec) saveFile(`${this.#y}-${this.#x}.svg`, 'image/svg+xml', plotToSvg(this.#kind, spec));
  }
}

const hasValues = (column: ReportColumn) => {
  const field = fieldOf(column);
  return (distinctValues(field, allRows(field.values.length), 1)?.length ?? 2) > 0;
};
