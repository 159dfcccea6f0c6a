import type { ServerResponse } from 'node:http';

/** What is told to a reader: a text that is made when the reader has room for it. */
export interface EventFeed {
  /** The moment up to which a reader knows all. */
  readonly moment: number;
  /** Undefined where there is nothing new since then. */
  since(moment: number, mayAct: boolean): string | undefined;
  /** The id of an event for that moment. */
  idOf(moment: number): string;
}

/** Milliseconds that a reader may take for what is on its way before it is given up. */
const patience = 60_000;

/**
 * One reader of server-sent events. Nothing is sent to a reader who has not taken the last event yet: what changes
 * meanwhile is told in one, when he has. So a slow one costs no more than a fast one.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #feed: EventFeed;
  readonly #mayAct: boolean;
  #moment: number;
  #isBusy = false;
  #giveUp: NodeJS.Timeout | undefined;

  /** @param moment up to which the reader knows all; 0: nothing */
  constructor(response: ServerResponse, feed: EventFeed, mayAct: boolean, moment: number) {
    this.#response = response;
    this.#feed = feed;
    this.#mayAct = mayAct;
    this.#moment = moment;
    response.on('drain', () => this.#drained());
    response.on('close', () => clearTimeout(this.#giveUp));
    response.writeHead(200, {
      ...{ 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' },
      // nginx would keep events back.
      'x-accel-buffering': 'no',
    });
    // Milliseconds after which a browser comes back.
    this.#write('retry: 2000\n\n');
    this.tell();
  }

  /** Sends what is new, if the reader is ready for it. */
  tell(): void {
    if (this.#isBusy) return;
    const { moment } = this.#feed;
    const text = this.#feed.since(this.#moment, this.#mayAct);
    this.#moment = moment;
    if (text !== undefined) this.#write(`id: ${this.#feed.idOf(moment)}\nevent: update\ndata: ${text}\n\n`);
  }

  /** A comment, by which both sides notice that the other one has gone. */
  beat(): void {
    if (!this.#isBusy) this.#write(':\n\n');
  }

  /** The server ends. */
  end(): void {
    this.#response.end('event: bye\ndata: {}\n\n');
  }

  #write(text: string): void {
    if (this.#response.destroyed || this.#response.write(text)) return;
    this.#isBusy = true;
    this.#giveUp = setTimeout(() => this.#response.destroy(), patience);
    this.#giveUp.unref();
  }

  #drained(): void {
    clearTimeout(this.#giveUp);
    this.#isBusy = false;
    this.tell();
  }
}
