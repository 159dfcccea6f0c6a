import { gzipSync } from 'node:zlib';
import { concurrencyScene } from '../chart/concurrency.js';
import { allRows, fieldOf } from '../chart/field.js';
import { histogram } from '../chart/histogram.js';
import { formatCount, formatSeconds } from '../chart/numbers.js';
import { columnNamed, rowCount } from '../columns.js';
import type { ReportData } from '../data.js';
import { durationsOf, paceOf, phaseColumns } from '../summary.js';
import { type Timeline, timelineOf } from '../timeline.js';
import { inlineChart } from './chart.js';
import { type DataBlock, type PageAssets, pageDocument } from './document.js';
import { failures } from './failures.js';
import { type Markup, html } from './markup.js';
import { overview } from './overview.js';

/** The report as one file that loads nothing from elsewhere. Without a script, it says what ran, totals and failures. */
export function reportPage(data: ReportData, assets: PageAssets): string {
  const rows = rowCount(data.columns);
  const timeline = timelineOf(data.columns, rows);
  const failed = failures(data);
  const sections: readonly [string, string, Markup | undefined][] = [
    ['overview', 'Overview', overview(data, rows, paceOf(timeline, data.columns, rows))],
    ['failures', 'Failures', failed],
    ['timeline', 'Timeline', timelineSection(timeline)],
    ['durations', 'Durations', durationsSection(data, rows)],
    ['plots', 'Plots', byScript('plots', 'Plots')],
    ['images', 'Images', imagesSection(data)],
    [
      'table',
      'Results',
      byScript(
        'table',
        'Results',
        html`<p class="hint">What is chosen here is chosen for timeline, durations and plots, too.</p>`,
      ),
    ],
  ];
  const shown = sections.filter(([, , content]) => content !== undefined);
  const body = html`<a class="skip" href="#main">Skip to the content</a>
    <nav aria-label="Sections">
      <b>${data.sweep.name}</b>
      <ul>
        ${shown.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}
      </ul>
    </nav>
    <main id="main">${shown.map(([, , content]) => content)}</main>
    <footer>Made by GVA ${data.gva}. This page loads nothing from elsewhere and sends nothing.</footer>`;
  return pageDocument(`${data.sweep.name}: report`, body, assets, blocksOf(data));
}

/** The script unpacks them. */
function blocksOf(data: ReportData): DataBlock[] {
  const { images } = data.images;
  const light = {
    ...data,
    images: { ...data.images, images: images.map((image) => ({ ...image, data: '' })) },
  };
  const packed = gzipSync(JSON.stringify(light), { level: 6 }).toString('base64');
  return [
    { id: 'report-data', type: 'application/gzip', base64: packed },
    ...images.map(({ type, data: base64 }, index) => ({ id: `image-${index}`, type, base64 })),
  ];
}

function timelineSection(timeline: Timeline): Markup | undefined {
  if (timeline.runs.length === 0) return undefined;
  const { runs, span, lanes } = timeline;
  return html`<section id="timeline" aria-labelledby="timeline-title">
    <h2 id="timeline-title">Timeline</h2>
    <p class="hint">
      ${formatCount(runs.length)} instances in ${formatSeconds(span)}, at most ${formatCount(lanes)} at once.
    </p>
    <figure class="static">${inlineChart(concurrencyScene(timeline, 1080, 230))}</figure>
    <div class="live" data-part="timeline"></div>
  </section>`;
}

function durationsSection({ columns }: ReportData, rows: number): Markup | undefined {
  const total = columnNamed(columns, 'gva_total_s');
  if (!total || !durationsOf(total, rows)) return undefined;
  const lines = Object.entries(phaseColumns).flatMap(([name, title]) => {
    const known = durationsOf(columnNamed(columns, name), rows);
    if (!known) return [];
    const cells = [known.least, known.median, known.p95, known.most, known.sum];
    return [
      html`<tr>
        <th scope="row">${title}</th>
        ${cells.map((value) => html`<td>${formatSeconds(value)}</td>`)}
      </tr>`,
    ];
  });
  const field = { ...fieldOf(total), name: 'time of a whole instance' };
  const chart = histogram({ y: field, rows: allRows(rows), width: 1080, height: 230 }, 'script');
  return html`<section id="durations" aria-labelledby="durations-title">
    <h2 id="durations-title">Durations</h2>
    <figure class="static">${inlineChart(chart.scene)}</figure>
    <div class="live" data-part="durations"></div>
    <div class="wide" tabindex="0" role="region" aria-label="Durations by phase">
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">phase</th>
            <th scope="col">shortest</th>
            <th scope="col">median</th>
            <th scope="col">95 %</th>
            <th scope="col">longest</th>
            <th scope="col">all together</th>
          </tr>
        </thead>
        <tbody>
          ${lines}
        </tbody>
      </table>
    </div>
  </section>`;
}

function imagesSection({ images: { images, leftOut, unsearched, limit } }: ReportData): Markup | undefined {
  if (images.length === 0 && leftOut === 0) return undefined;
  const bytes = images.reduce((sum, image) => sum + image.bytes, 0);
  const mib = (size: number) => `${(size / 2 ** 20).toFixed(1)} MiB`;
  const left =
    (leftOut > 0
      ? ` ${formatCount(leftOut)} more are not in it: it takes ${mib(limit)} of them at most.`
      : '') + (unsearched > 0 ? ` ${formatCount(unsearched)} points were not searched for pictures.` : '');
  return byScript(
    'images',
    'Images',
    html`<p class="hint">${formatCount(images.length)} pictures from the outputs, ${mib(bytes)}.${left}</p>`,
  );
}

/** A section that the script fills. */
const byScript = (id: string, title: string, before?: Markup): Markup =>
  html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    ${before}
    <noscript
      ><p class="hint">
        This part needs JavaScript. The same data are in results.csv of the sweep.
      </p></noscript
    >
    <div class="live" data-part="${id}"></div>
  </section>`;
