import { type LiveState, codeOf } from '../../live/states.js';
import { button, el } from '../dom.js';
import { ask } from './ask.js';
import { confirmFirst } from './confirm.js';
import type { KnownSweep, Store } from './store.js';
import { plural } from './words.js';

/** Buttons that change something: of the whole sweep, and of one point. For who may only look there are none. */
export class ActionsPart {
  readonly element = el('div', { class: 'bar actions' });
  readonly #store: Store;
  readonly #sweep: KnownSweep;
  readonly #cancel: HTMLButtonElement;
  readonly #retryFailed: HTMLButtonElement;
  readonly #retryLost: HTMLButtonElement;
  readonly #look = el('span', {
    class: 'hint',
    text: 'You may only look.',
    set: { title: 'Open the address with the token that gva serve has printed to cancel and retry.' },
  });

  constructor(store: Store, sweep: KnownSweep) {
    this.#store = store;
    this.#sweep = sweep;
    this.#retryFailed = button('Retry failed…', 'Run all points again at which the application failed', () =>
      this.#askRetry('failed'),
    );
    this.#retryLost = button('Retry lost…', 'Run all points again that the infrastructure lost', () =>
      this.#askRetry('lost'),
    );
    this.#cancel = button('Cancel sweep…', 'End the sweep; what is done is kept', () => this.#askCancel());
    this.element.append(this.#look, this.#retryFailed, this.#retryLost, this.#cancel);
    this.refresh();
  }

  refresh(): void {
    const { status } = this.#sweep;
    const { mayAct } = this.#store;
    const retries = mayAct && status?.takesRequests === true;
    this.#look.hidden = mayAct || status?.ended === true;
    this.#retryFailed.hidden = !retries || status.counts.failed === 0;
    this.#retryLost.hidden = !retries || status.counts.lost === 0;
    this.#cancel.hidden = !mayAct || !status || status.ended || status.state === 'unknown';
    this.#cancel.disabled = status?.state === 'stopping';
  }

  /** What can be done with one point. */
  ofPoint(point: number, state: LiveState): HTMLElement[] {
    const { status } = this.#sweep;
    if (!this.#store.mayAct || !status || status.ended) return [];
    if (state === 'running')
      return [button('Cancel this point…', 'End it', () => this.#askCancelPoint(point))];
    const isBad = state === 'failed' || state === 'lost' || state === 'cancelled';
    if (!isBad || !status.takesRequests) return [];
    return [button('Retry this point', 'Run it again', () => this.#retryPoint(point))];
  }

  #askCancel(): void {
    const { id, name, status } = this.#sweep;
    const running = status?.runningCount ?? 0;
    confirmFirst({
      title: `Cancel the sweep ${name}?`,
      text: `${plural(running, 'running point')} ${running === 1 ? 'is' : 'are'} ended at once and nothing more is begun. What is done is kept; gva sweep resume goes on later.`,
      ...{ yes: 'Cancel the sweep', no: 'Keep it running' },
      act: () => ask(id, 'cancel', 'all'),
    });
  }

  #askCancelPoint(point: number): void {
    const { id } = this.#sweep;
    confirmFirst({
      title: `Cancel point ${point}?`,
      text: 'It is ended at once, and what it has done so far is lost. All other points go on.',
      ...{ yes: 'Cancel this point', no: 'Keep it running' },
      act: () => ask(id, 'cancel', [point]),
    });
  }

  #askRetry(which: 'failed' | 'lost'): void {
    const { id, states } = this.#sweep;
    const count = states.filter((code) => code === codeOf(which)).length;
    confirmFirst({
      title: `Retry what ${which === 'failed' ? 'failed' : 'was lost'}?`,
      text: `${plural(count, 'point')} ${count === 1 ? 'is' : 'are'} run again; their results so far are replaced.`,
      ...{ yes: 'Run them again', no: 'Leave them' },
      act: () => ask(id, 'retry', which),
    });
  }

  #retryPoint(point: number): void {
    const { id } = this.#sweep;
    confirmFirst({
      title: `Retry point ${point}?`,
      text: 'It is run again; its result so far is replaced.',
      ...{ yes: 'Run it again', no: 'Leave it' },
      act: () => ask(id, 'retry', [point]),
    });
  }
}
