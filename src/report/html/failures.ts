import { formatCount } from '../chart/numbers.js';
import type { FailureExample, FailureGroup, ReportData } from '../data.js';
import { type Markup, html } from './markup.js';

const causes: Readonly<Record<string, string>> = {
  'script-status': 'a script ended with a status other than 0',
  'output-full': 'the output disk was full',
  panic: "the guest's kernel panicked",
  timeout: 'the time limit was reached',
  'boot-timeout': 'the guest did not come up in time',
  'no-done': 'the machine ended without saying that it was done',
  'vmm-failed': 'the virtual machine monitor failed',
  'output-unreadable': 'the output disk could not be read',
  'disk-error': 'the host could not write what the guest wrote',
  interrupted: 'the user ended it',
};

/** Why points are not done, by cause; nothing where all are. */
export function failures({ failures: { groups, more } }: ReportData): Markup | undefined {
  if (groups.length === 0) return undefined;
  const points = groups.reduce((sum, { count }) => sum + count, more.points);
  return html`<section id="failures" aria-labelledby="failures-title">
    <h2 id="failures-title">Failures <span class="count">${formatCount(points)}</span></h2>
    ${groups.map((group, index) => groupMarkup(group, index < 3))}
    ${more.groups > 0 && html`<p class="hint">${more.groups} more causes, with ${formatCount(more.points)} points.</p>`}
  </section>`;
}

function groupMarkup({ state, cause, status, count, points, common, examples }: FailureGroup, open: boolean) {
  const meaning = Object.hasOwn(causes, cause) ? causes[cause] : undefined;
  const title = cause === '' ? 'no cause is known' : cause;
  const said = status === null || status === 0 ? title : `${title}, exit status ${status}`;
  const rest = count - points.length;
  return html`<details class="failure" ${open ? html`open` : ''}>
    <summary>
      <i class="dot ${state}"></i><b>${said}</b> <span class="hint">${meaning}</span
      ><span class="count">${formatCount(count)}</span>
    </summary>
    <p>
      ${count === 1 ? 'Point' : 'Points'}
      ${points.map((point) => html`<a class="point" href="#point-${point}">${point}</a> `)}${rest > 0 && `and ${formatCount(rest)} more`}
    </p>
    ${common.length > 0 && html`<p>All of them have ${common.map(({ name, value }) => html`<code>${name} = ${value}</code> `)}</p>`}
    ${examples.slice(0, 1).map(exampleMarkup)}
    ${
      examples.length > 1 &&
      html`<details class="more">
        <summary class="hint">${examples.length - 1} more of them</summary>
        ${examples.slice(1).map(exampleMarkup)}
      </details>`
    }
  </details>`;
}

function exampleMarkup({ point, parameters, message, host, console, stderr }: FailureExample): Markup {
  return html`<article class="example">
    <h3>
      Point ${point}
      <span class="hint"
        >${parameters.map(({ name, value }) => `${name} = ${value}`).join(', ')}${host !== undefined && ` · on ${host}`}</span
      >
    </h3>
    ${message !== undefined && html`<p class="message">${message}</p>`}
    ${lines('Standard error', stderr)}${lines('Console', console)}
  </article>`;
}

const lines = (title: string, texts: readonly string[]) =>
  texts.length > 0 &&
  html`<h4>${title}, the last lines</h4>
    <pre tabindex="0">${texts.join('\n')}</pre>`;
