import { request } from 'node:http';
import type {
  CancelPoints,
  ConsoleTail,
  LiveStatus,
  LiveUpdate,
  RetryPoints,
} from '../../src/report/live/protocol.js';
import { type AccessRules, namesOf } from '../../src/report/server/access.js';
import { LiveServer } from '../../src/report/server/server.js';
import type { SweepSource } from '../../src/report/server/source.js';

export const token = 'right-token-right-token-right-to';

export const status: LiveStatus = {
  ...{ state: 'running', ended: false, takesRequests: true, points: 10, kept: 0, parallel: 2, perMinute: 3 },
  ...{ remaining: null, running: [], runningCount: 0, failures: [], slowest: [] },
  counts: { pending: 10, done: 0, failed: 0, lost: 0, active: 0 },
  ...{ startedAt: '2026-01-02T03:04:05.000Z', at: '2026-01-02T03:05:05.000Z' },
};

/** A sweep that does what a test says. */
export class PlayedSweep implements SweepSource {
  readonly id: string;
  readonly name: string;
  status = status;
  states = new Uint8Array(10);
  tableVersion = 0;
  readonly asked: unknown[] = [];
  refusal: Error | undefined;
  #listener: () => void = () => undefined;

  constructor(id = 'abc', name = 'squares') {
    this.id = id;
    this.name = name;
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  change(change: () => void): void {
    change();
    this.#listener();
  }

  table() {
    const { tableVersion: version } = this;
    return Promise.resolve(version === 0 ? undefined : { version, json: JSON.stringify({ version }) });
  }

  console(point: number): Promise<ConsoleTail> {
    return Promise.resolve({ text: `point ${point} says <i>`, live: true });
  }

  cancel(points: CancelPoints): Promise<void> {
    return this.#ask({ cancel: points });
  }

  retry(points: RetryPoints): Promise<void> {
    return this.#ask({ retry: points });
  }

  #ask(what: unknown): Promise<void> {
    this.asked.push(what);
    return this.refusal ? Promise.reject(this.refusal) : Promise.resolve();
  }
}

export const bugs: unknown[] = [];

export function listen(
  rules: Partial<AccessRules> = {},
  { mostReaders }: { mostReaders?: number } = {},
): Promise<LiveServer> {
  return LiveServer.listen({
    ...{ host: '127.0.0.1', port: 0, onBug: (error) => bugs.push(error) },
    rules: { token, open: true, ...namesOf('127.0.0.1', []), ...rules },
    assets: { html: '<!doctype html><title>page</title>', script: 'run()', style: 'body {}' },
    ...(mostReaders === undefined ? {} : { mostReaders }),
  });
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request, with the headers that are named and no others: fetch() would not let a test name its host. */
export function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: Asked = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

export interface ReadEvent {
  readonly id: string;
  readonly event: string;
  readonly update: LiveUpdate;
}

/** Reads the events of a server, one at a time. */
export class EventReader implements Disposable {
  readonly #events: ReadEvent[] = [];
  readonly #connection = new AbortController();
  #wake: () => void = () => undefined;
  #isOver = false;

  static async open(port: number, headers: Readonly<Record<string, string>> = {}): Promise<EventReader> {
    const reader = new EventReader();
    const { signal } = reader.#connection;
    const response = await fetch(`http://127.0.0.1:${port}/events`, { headers, signal });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    void reader.#read(response).catch(() => undefined);
    return reader;
  }

  /** The next event; undefined at the end. */
  async next(): Promise<ReadEvent | undefined> {
    while (this.#events.length === 0 && !this.#isOver)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#events.shift();
  }

  [Symbol.dispose](): void {
    this.#connection.abort();
  }

  async #read(response: Response): Promise<void> {
    let text = '';
    try {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) this.#take(block);
      }
    } finally {
      this.#isOver = true;
      this.#wake();
    }
  }

  #take(block: string): void {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
    if (field('event') === '') return;
    const update = JSON.parse(field('data')) as LiveUpdate;
    this.#events.push({ id: field('id'), event: field('event'), update });
    this.#wake();
  }
}
