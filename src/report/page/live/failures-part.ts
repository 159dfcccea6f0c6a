import type { FailedPoint } from '../../../model/sweep-status.js';
import { formatCount } from '../../chart/numbers.js';
import type { LiveTable } from '../../live/protocol.js';
import { button, el } from '../dom.js';
import type { KnownSweep } from './store.js';

/** Groups that are shown. */
const mostGroups = 12;

/** Points that did not end as done: how many for which cause, and what the last of them say. */
export class FailuresPart {
  readonly element: HTMLElement;
  readonly #groups = el('ul', { class: 'groups' });
  readonly #last = el('ul', { class: 'failed-list' });
  readonly #onPick: (point: number) => void;
  #said = '';

  constructor(onPick: (point: number) => void) {
    this.#onPick = onPick;
    this.element = el(
      'section',
      { set: { 'aria-labelledby': 'failures-title' } },
      el('h2', { text: 'Not done', set: { id: 'failures-title' } }),
      ...[this.#groups, this.#last],
    );
    this.element.hidden = true;
  }

  show({ status, table }: KnownSweep): void {
    const failures = status?.failures ?? [];
    const groups = table?.failures ?? [];
    this.element.hidden = failures.length === 0 && groups.length === 0;
    const said = JSON.stringify([failures, groups]);
    // Nobody's place in it is lost for nothing.
    if (said === this.#said) return;
    this.#said = said;
    this.#groups.replaceChildren(...groups.slice(0, mostGroups).map(groupLine));
    this.#last.replaceChildren(...failures.map((failure) => this.#line(failure)));
  }

  #line({ index, state, message, cause, attempts }: FailedPoint): HTMLElement {
    const tries = attempts > 1 ? ` after ${attempts} attempts` : '';
    const text = `${state}${tries}: ${message ?? cause ?? 'no reason is known'}`;
    return el(
      'li',
      {},
      button(`Point ${index}`, 'Show what it has said', () => this.#onPick(index)),
      el('span', { text }),
    );
  }
}

function groupLine({ state, cause, status, count, common }: LiveTable['failures'][number]): HTMLElement {
  const exit = status === null || status === 0 ? '' : `, exit status ${status}`;
  const where = common.map(({ name, value }) => `${name} = ${value}`).join(', ');
  return el(
    'li',
    {},
    el('b', { class: 'count', text: formatCount(count) }),
    el('i', { class: `dot ${state}` }),
    el('span', {
      text: `${state}: ${cause === '' ? 'no cause is known' : cause}${exit}${where === '' ? '' : `; all with ${where}`}`,
    }),
  );
}
