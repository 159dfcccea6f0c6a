import { formatCount, formatNumber, formatSeconds, formatShare } from '../chart/numbers.js';
import { columnNamed } from '../columns.js';
import { type ReportData, type ReportedState, reportedStates } from '../data.js';
import { durationsOf, type Pace } from '../summary.js';
import { type Markup, html } from './markup.js';

const shownStates = (counts: ReportData['counts']): ReportedState[] =>
  reportedStates.filter((state) => state === 'done' || counts[state] > 0);

/** Name, what it is of, and the numbers that matter. */
export function overview(data: ReportData, rows: number, pace: Pace | undefined): Markup {
  const { sweep, points, counts } = data;
  const total = durationsOf(columnNamed(data.columns, 'gva_total_s'), rows);
  const tiles: [string, string, string][] = [
    ['points', formatCount(points), `${sweep.parameters.length} parameters`],
    ['done', formatCount(counts.done), formatShare(counts.done, points)],
    ...(total
      ? [
          ['each takes', formatSeconds(total.median), `median; 95 % in ${formatSeconds(total.p95)}`] as [
            string,
            string,
            string,
          ],
        ]
      : []),
    ...(pace
      ? ([
          ['in all', formatSeconds(pace.busy), `${formatSeconds(total?.sum ?? 0)} of instances`],
          [
            'throughput',
            `${formatNumber(pace.perMinute, 3)} / min`,
            `${formatNumber(pace.parallel, 3)} at once`,
          ],
        ] as [string, string, string][])
      : []),
  ];
  return html`<section id="overview" aria-labelledby="title">
    <p class="kicker">Report of a sweep</p>
    <h1 id="title">${sweep.name}</h1>
    <p class="lead">
      ${sweep.appliance.name} ${sweep.appliance.version} · begun ${date(sweep.startedAt)}${standing(sweep)}
    </p>
    ${statesBar(counts, points)}
    <dl class="tiles">
      ${tiles.map(
        ([label, value, more]) =>
          html`<div>
            <dt>${label}</dt>
            <dd><b>${value}</b><span>${more}</span></dd>
          </div>`,
      )}
    </dl>
    ${
      data.notes.length > 0 &&
      html`<ul class="notes">
        ${data.notes.map((note) => html`<li>${note}</li>`)}
      </ul>`
    }
    ${whatRan(data)}
  </section>`;
}

function standing({ state, reason }: ReportData['sweep']): string {
  if (state === undefined || state === 'finished') return '';
  return ` · ${state}${reason === undefined ? '' : `: ${reason}`}`;
}

/** A bar in parts as long as the counts, with a legend that says them. */
function statesBar(counts: ReportData['counts'], points: number): Markup {
  let x = 0;
  const parts = shownStates(counts).map((state) => {
    const width = points === 0 ? 0 : (1000 * counts[state]) / points;
    // What is there is seen, however little it is.
    const shown = counts[state] > 0 ? Math.max(width, 3) : 0;
    const part = html`<rect class="${state}" x="${x}" y="0" width="${shown}" height="10" />`;
    x += width;
    return part;
  });
  const legend = shownStates(counts).map(
    (state) => html`<li><i class="dot ${state}"></i>${state} <b>${formatCount(counts[state])}</b></li>`,
  );
  return html`<svg class="states" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
      ${parts}
    </svg>
    <ul class="legend">
      ${legend}
    </ul>`;
}

function whatRan({ sweep, gva, madeAt }: ReportData): Markup {
  const { appliance, base, vmm, plan, files } = sweep;
  const rows: [string, Markup | string][] = [
    ['Appliance', html`${appliance.name} ${appliance.version} ${digest(appliance.digest)}`],
    ['Base image', html`${base.name} ${digest(base.digest)}`],
    ['Virtual machines', `${vmm.name} ${vmm.version}, ${vmm.accelerator}`],
    ['Plan', plan.file],
    ...(files.length > 0
      ? ([
          ['Files', html`${files.map(({ name, sha256 }) => html`<div>${name} ${digest(sha256)}</div>`)}`],
        ] as [string, Markup][])
      : []),
    ['Begun', date(sweep.startedAt)],
    ...(sweep.continuedAt === undefined
      ? []
      : ([['Taken up again', date(sweep.continuedAt)]] as [string, string][])),
    ...(sweep.gathered === undefined ? [] : ([['Gathered', sweep.gathered]] as [string, string][])),
    ['GVA', sweep.gva],
    ['This report', `of ${date(madeAt)}, by GVA ${gva}`],
  ];
  return html`<details class="ran" open>
    <summary>What ran</summary>
    <dl class="facts">
      ${rows.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>
    <details class="plan">
      <summary>The plan</summary>
      <pre tabindex="0">${plan.text}</pre>
    </details>
  </details>`;
}

const digest = (text: string) => html`<code class="digest" title="${text}">${text.slice(0, 12)}</code>`;

/** "2026-11-30 09:01:02 UTC". */
export function date(iso: string): string {
  const time = Date.parse(iso);
  return Number.isNaN(time) ? iso : `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
