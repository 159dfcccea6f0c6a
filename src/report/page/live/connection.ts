import type { LiveUpdate } from '../../live/protocol.js';

/** `lost`: it is tried again. `ended`: the server has said that it ends. */
export type ConnectionState = 'connecting' | 'live' | 'lost' | 'refused' | 'ended';

export interface ConnectionListener {
  update(update: LiveUpdate): void;
  state(state: ConnectionState): void;
}

/** Milliseconds after which a server that has refused is asked again. */
const refusedPause = 5000;

/** The events of the server, for as long as it is there. */
export class Connection {
  readonly #listener: ConnectionListener;
  #events: EventSource | undefined;

  constructor(listener: ConnectionListener) {
    this.#listener = listener;
    this.open();
  }

  open(): void {
    this.#events?.close();
    this.#listener.state('connecting');
    const events = new EventSource('/events');
    this.#events = events;
    events.addEventListener('open', () => this.#listener.state('live'));
    events.addEventListener('update', ({ data }) =>
      this.#listener.update(JSON.parse(String(data)) as LiveUpdate),
    );
    events.addEventListener('bye', () => {
      events.close();
      this.#listener.state('ended');
    });
    events.addEventListener('error', () => {
      const isRefused = events.readyState === EventSource.CLOSED;
      this.#listener.state(isRefused ? 'refused' : 'lost');
      // Of an answer that is none, a browser does not come back by itself.
      if (isRefused) setTimeout(() => this.open(), refusedPause);
    });
  }
}
