import type { ReportData } from '../data.js';
import { Details } from './details.js';
import { partOf } from './dom.js';
import { durationsView } from './durations.js';
import { FilterBar } from './filter-bar.js';
import { galleryView } from './gallery.js';
import { Model } from './model.js';
import { PlotsView } from './plots.js';
import { TableView } from './table.js';
import { TimelineView } from './timeline-view.js';
import { unpack } from './unpack.js';

// The script of a report: it fills the parts of the page that a file alone cannot have.

async function showReport(): Promise<void> {
  const data = await unpack<ReportData>('report-data');
  const model = new Model(data.columns);
  const { images } = data.images;
  const details = new Details(model, images);
  const pick = (rows: readonly number[]) => details.open(rows);

  partOf('timeline')?.append(new TimelineView(model, pick).element);
  partOf('durations')?.append(durationsView(model, pick));
  partOf('plots')?.append(new PlotsView(model, pick).element);
  partOf('images')?.append(galleryView(model, images, pick));
  partOf('table')?.append(
    new FilterBar(model).element,
    new TableView(model, data.sweep.name, (row) => details.open([row])).element,
  );

  window.addEventListener('hashchange', () => details.openAddress(location.hash));
  // A link to a point that is open already changes no address.
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a.point') : null;
    if (link) details.openAddress(link.getAttribute('href') ?? '');
  });
  details.openAddress(location.hash);
  document.documentElement.dataset['ready'] = 'yes';
}

void showReport();
