import { Connection, type ConnectionState } from './live/connection.js';
import { setText } from './live/overview-part.js';
import { Store } from './live/store.js';
import { SweepView } from './live/sweep-view.js';
import { Tabs } from './live/tabs.js';
import { percentDone } from './live/words.js';
import { button, el } from './dom.js';

// The script of the live page: it shows what the server tells.

const sentences: Readonly<Record<ConnectionState, string>> = {
  connecting: 'Connecting…',
  live: 'Live',
  lost: 'The server does not answer. Trying again…',
  refused: 'The server lets nobody look without its token, or has no room. Trying again…',
  ended: 'The server has ended; the sweeps go on. To see them again: gva serve',
};

function showPage(): void {
  const [top, main] = [document.getElementById('top'), document.getElementById('main')];
  if (!top || !main) return;
  const store = new Store();
  const views = new Map<string, SweepView>();
  const nothing = el(
    'section',
    {},
    el('p', { class: 'hint', text: 'No sweep runs. One that begins is shown here.' }),
  );
  let chosen: string | undefined;
  const refresh = () => {
    for (const sweep of store.sweeps.values()) tabs.show(sweep);
    tabs.element.hidden = store.sweeps.size === 0;
    const first = [...store.sweeps.keys()][0];
    if (chosen === undefined && first !== undefined) tabs.choose(first);
    else if (chosen === undefined) main.replaceChildren(nothing);
    else views.get(chosen)?.refresh();
    showTitle();
  };
  const showTitle = () => {
    const sweep = store.sweeps.get(chosen ?? '');
    if (!sweep) return;
    const state = sweep.status?.ended ? sweep.status.state : `${percentDone(sweep)} %`;
    document.title = `${state} · ${sweep.name}`;
  };
  const tabs = new Tabs((id) => {
    const sweep = store.sweeps.get(id);
    if (!sweep) return;
    chosen = id;
    const view = views.get(id) ?? new SweepView(store, sweep);
    views.set(id, view);
    main.replaceChildren(view.element);
    view.refresh();
    showTitle();
  });
  store.onChange(refresh);
  const sign = connectionSign();
  top.replaceWith(
    el('nav', { set: { 'aria-label': 'Sweeps' } }, el('b', { text: 'GVA' }), tabs.element, sign.element),
  );
  const connection = new Connection({
    update: (update) => store.take(update),
    state: (state) => sign.show(state),
  });
  sign.onAgain(() => connection.open());
}

/** Says whether what is shown is of now. */
function connectionSign() {
  const text = el('span');
  let again: () => void = () => undefined;
  const retry = button('Try again', 'Ask the server again', () => again());
  const element = el(
    'div',
    { class: 'connection', set: { role: 'status' } },
    el('i', { class: 'light' }),
    text,
    retry,
  );
  return {
    element,
    onAgain: (listener: () => void) => (again = listener),
    show: (state: ConnectionState) => {
      setText(text, sentences[state]);
      retry.hidden = state !== 'ended';
      element.dataset['state'] = state;
      document.body.classList.toggle('stale', state !== 'live' && state !== 'connecting');
    },
  };
}

showPage();
