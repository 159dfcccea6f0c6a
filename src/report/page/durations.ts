import { fieldOf } from '../chart/field.js';
import { histogram } from '../chart/histogram.js';
import { columnNamed } from '../columns.js';
import { phaseColumns } from '../summary.js';
import { ChartView } from './chart-view.js';
import { checkbox, chooser, el } from './dom.js';
import type { Model } from './model.js';

/** How long the instances took, for one phase at a time. */
export function durationsView(model: Model, onPick: (rows: readonly number[]) => void): HTMLElement {
  const names = Object.entries(phaseColumns).filter(([name]) => columnNamed(model.columns, name));
  let [chosen, log] = ['gva_total_s', false];
  const view = new ChartView({
    make: (width) => {
      const column = columnNamed(model.columns, chosen);
      if (!column) return undefined;
      const known = model.chosen.filter(
        (row) => column.kind === 'number' && typeof column.values[row] === 'number',
      );
      if (known.length === 0) return undefined;
      const title = Object.fromEntries(names)[chosen];
      const field = { ...fieldOf(column), name: title ?? chosen };
      return histogram({ y: field, rows: known, logX: log, width, height: 230 }, 'script');
    },
    onPick,
    empty: 'Of the rows that are chosen, none has this.',
  });
  model.onChange(() => view.draw());
  const choices = names.map(([value, label]) => ({ value, label }));
  const bar = el(
    'div',
    { class: 'bar' },
    chooser('Time of', choices, chosen, (value) => {
      chosen = value;
      view.draw();
    }),
    checkbox('logarithmic', log, (on) => {
      log = on;
      view.draw();
    }),
  );
  return el('div', {}, bar, view.element);
}
