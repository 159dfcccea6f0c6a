import { withUsableCache } from '../instance/stand-in-cache.js';
import { GvaError, ExitCode } from '../system/errors.js';

/**
 * Work that has begun. It goes on whether or not anybody iterates over its events, and leaving that loop does not end it;
 * its signal does, and so does `await using`, when the block is left before the end.
 */
export interface Running<Event, Result> extends AsyncIterable<Event>, AsyncDisposable {
  /**
   * How it ended. Rejects with a GvaError, or with the reason of the signal that ended it. Who iterates over the events gets
   * the same error there, and need not await this.
   */
  readonly result: Promise<Result>;
  /** What happens, from the beginning, for the first who iterates; for others, from then on. */
  [Symbol.asyncIterator](): AsyncIterator<Event>;
}

/** Events that wait for the first reader, at most; then the oldest are forgotten. */
const mostEarly = 10_000;

/** @internal Begins the work. @param work tells of events by its first argument; its signal is aborted when it is to end */
export function begin<Event, Result>(
  work: (tell: (event: Event) => void, signal: AbortSignal) => Promise<Result>,
  signal?: AbortSignal,
): Running<Event, Result> {
  const left = new AbortController();
  const ending = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  const events = new Events<Event>();
  const result = (async () => {
    try {
      ending.throwIfAborted();
      const warn = (text: string) => process.emitWarning(text);
      return await withUsableCache(warn, () => work((event) => events.tell(event), ending));
    } finally {
      events.end();
    }
  })();
  return {
    result,
    [Symbol.asyncIterator]: () => events.read(result),
    [Symbol.asyncDispose]: async () => {
      left.abort(new GvaError('INTERRUPTED', 'interrupted', { exitCode: ExitCode.interrupted }));
      await result.catch(() => undefined);
    },
  };
}

/** Hands each event to all who read. */
class Events<Event> {
  #early: Event[] | undefined = [];
  #ended = false;
  readonly #readers = new Set<Reader<Event>>();

  tell(event: Event): void {
    if (this.#early && this.#early.push(event) > mostEarly) this.#early.shift();
    for (const reader of this.#readers) reader.take(event);
  }

  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.wake();
  }

  async *read(result: Promise<unknown>): AsyncGenerator<Event, undefined> {
    const reader = new Reader(this.#early ?? []);
    this.#early = undefined;
    this.#readers.add(reader);
    // It is thrown here.
    result.catch(() => undefined);
    try {
      for (;;) {
        yield* reader.waiting();
        if (this.#ended) break;
        await reader.more();
      }
      await result;
    } finally {
      this.#readers.delete(reader);
    }
  }
}

class Reader<Event> {
  #events: Event[];
  #wake: () => void = () => undefined;

  constructor(events: Event[]) {
    this.#events = events;
  }

  take(event: Event): void {
    this.#events.push(event);
    this.#wake();
  }

  wake(): void {
    this.#wake();
  }

  *waiting(): Generator<Event> {
    while (this.#events.length > 0) {
      const events = this.#events;
      this.#events = [];
      yield* events;
    }
  }

  more(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}
