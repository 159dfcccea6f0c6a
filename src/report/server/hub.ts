import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { LiveUpdate } from '../live/protocol.js';
import { SweepChanges } from './changes.js';
import { type EventFeed, EventStream } from './event-stream.js';
import type { SweepSource } from './source.js';

/** Milliseconds between two looks at the sweeps, at least. */
const pause = 250;
/** Milliseconds between two signs of life. */
const beatPause = 15_000;

/** Tells all readers what becomes of the sweeps. */
export class Hub implements EventFeed, Disposable {
  readonly #sweeps: SweepChanges[] = [];
  readonly #readers = new Set<EventStream>();
  /** Moments of another server mean nothing to this one. */
  readonly #epoch = randomBytes(4).toString('hex');
  readonly #beat: NodeJS.Timeout;
  readonly #mostReaders: number;
  #moment = 1;
  #timer: NodeJS.Timeout | undefined;
  /** The last texts, by what their reader knew: most readers know the same. */
  readonly #texts = new Map<string, string | undefined>();

  constructor(mostReaders: number) {
    this.#mostReaders = mostReaders;
    this.#beat = setInterval(() => {
      for (const reader of this.#readers) reader.beat();
    }, beatPause);
    this.#beat.unref();
  }

  get moment(): number {
    return this.#moment;
  }

  get readers(): number {
    return this.#readers.size;
  }

  get sources(): readonly SweepSource[] {
    return this.#sweeps.map(({ source }) => source);
  }

  add(source: SweepSource): void {
    this.#sweeps.push(new SweepChanges(source));
    source.onChange(() => this.#soon());
    this.#look();
  }

  /** @param lastId the id of the last event that the reader has @returns false where there are too many readers */
  connect(response: ServerResponse, mayAct: boolean, lastId: string): boolean {
    if (this.#readers.size >= this.#mostReaders) return false;
    const reader = new EventStream(response, this, mayAct, this.#momentOf(lastId));
    this.#readers.add(reader);
    response.on('close', () => this.#readers.delete(reader));
    return true;
  }

  since(moment: number, mayAct: boolean): string | undefined {
    const key = `${moment} ${mayAct}`;
    if (this.#texts.has(key)) return this.#texts.get(key);
    const sweeps = this.#sweeps.flatMap((sweep) => sweep.since(moment) ?? []);
    const update: LiveUpdate = { mayAct, sweeps };
    const text = sweeps.length > 0 || moment === 0 ? JSON.stringify(update) : undefined;
    // Readers that fell behind each by another distance are few.
    if (this.#texts.size < 8) this.#texts.set(key, text);
    return text;
  }

  idOf(moment: number): string {
    return `${this.#epoch}-${moment}`;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#beat);
    clearTimeout(this.#timer);
    for (const reader of this.#readers) reader.end();
  }

  #momentOf(id: string): number {
    const [, epoch, moment = ''] = /^([0-9a-f]{8})-(\d{1,15})$/.exec(id) ?? [];
    return epoch === this.#epoch && Number(moment) <= this.#moment ? Number(moment) : 0;
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, pause);
  }

  #look(): void {
    const next = this.#moment + 1;
    const changed = this.#sweeps.filter((sweep) => sweep.look(next));
    if (changed.length === 0) return;
    this.#moment = next;
    this.#texts.clear();
    for (const reader of this.#readers) reader.tell();
  }
}
