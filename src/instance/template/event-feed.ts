import { type GuestEvent, parseGuestEvent } from '../../model/guest-event.js';

/** The events in a guest's lines, one by one; the stream stays open, so that somebody else can go on with it. */
export class EventFeed {
  readonly #lines: AsyncIterator<string, undefined>;
  #last = '';

  constructor(lines: AsyncIterable<string>) {
    this.#lines = lines[Symbol.asyncIterator]() as AsyncIterator<string, undefined>;
  }

  /** Undefined at the end. */
  async next(): Promise<GuestEvent | undefined> {
    for (;;) {
      const { done, value } = await this.#lines.next();
      if (done) return undefined;
      const event = parseGuestEvent(value);
      this.#last = value;
      if (event) return event;
    }
  }

  /** The line of the event that came last, and all that come after it. */
  async *fromLast(): AsyncGenerator<string> {
    yield this.#last;
    for (;;) {
      const { done, value } = await this.#lines.next();
      if (done) return;
      yield value;
    }
  }
}
