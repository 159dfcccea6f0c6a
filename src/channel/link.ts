import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { ExitCode, GvaError } from '../system/errors.js';
import { type Frame, FrameReader, encodeFrame, frameTypes, isNumbered, maxPayload } from './frame.js';

/** How much may be under way on a line. */
export interface Pace {
  /** Frames that are sent and not confirmed yet, at most; the others wait here. */
  readonly window: number;
  /** Bytes of a payload, at most. */
  readonly payload: number;
  /** Bytes that end what a guest may still take for a frame of somebody who is no more. */
  readonly padding: number;
}

/** The terminal layer of Linux holds 4 KiB of what comes on a serial line, and throws away what is beyond (n_tty.c). */
export const paces = {
  // Its guests do not go on without their host; and nobody reads while they boot.
  serial: { window: 3, payload: 1000, padding: 0 },
  virtio: { window: 16, payload: maxPayload, padding: maxPayload + 64 },
} as const satisfies Record<string, Pace>;

/** Milliseconds after which what is not confirmed is sent again. */
const again = 1000;

/**
 * Numbered frames to and from a guest's agent, in order and once each, over a line that may lose, repeat or invent bytes.
 * Begins anew with each object: the guest ends what an earlier one had asked for.
 */
export class Link {
  /** Bytes of a payload, at most. */
  readonly maxPayload: number;
  readonly #window: number;
  readonly #padding: number;
  readonly #port: Duplex;
  readonly #reader = new FrameReader();
  readonly #epoch = randomBytes(4).readUInt32LE();
  readonly #take: (frame: Frame) => void;
  readonly #lost: (error: GvaError) => void;
  readonly #waiting: Frame[] = [];
  /** Frames that are sent; the first has the number `#confirmed`. */
  #unconfirmed: Buffer[] = [];
  #confirmed = 0;
  #expected = 0;
  #toldNak = false;
  #timer: NodeJS.Timeout | undefined;
  #welcomed?: () => void;
  #isWelcome = false;
  #ended: GvaError | undefined;

  /**
   * @param port the line; nobody else reads it from now on
   * @param take gets what the guest sends
   * @param lost called once, when the line has ended
   */
  constructor(
    port: Duplex,
    take: (frame: Frame) => void,
    lost: (error: GvaError) => void,
    { window, payload, padding }: Pace,
  ) {
    this.#window = window;
    this.#padding = padding;
    this.#port = port;
    this.maxPayload = payload;
    this.#take = take;
    this.#lost = lost;
    port.on('data', (chunk: Buffer) => this.#receive(chunk));
    for (const end of ['end', 'close', 'error']) port.once(end, () => this.close(gone()));
  }

  /**
   * Resolves when the guest has answered.
   *
   * @param patience milliseconds
   * @throws GvaError CHANNEL where it does not
   */
  async open(patience: number): Promise<void> {
    const end = performance.now() + patience;
    const answer = new Promise<void>((resolve) => (this.#welcomed = resolve));
    for (let tries = 0; ; tries++) {
      if (this.#ended) throw this.#ended;
      // One that does not read yet needs no more of it.
      if (tries > 0 && !this.#port.writableNeedDrain) this.#port.write(Buffer.alloc(this.#padding));
      this.#port.write(
        encodeFrame({ type: frameTypes.hello, session: 0, number: 0, payload: this.#hello() }),
      );
      if (await inTime(answer, Math.min(again, end - performance.now()))) return;
      if (performance.now() >= end) throw silent();
    }
  }

  send(type: number, session: number, payload: Buffer): void {
    if (this.#ended) return;
    this.#waiting.push({ type, session, number: 0, payload });
    this.#fill();
  }

  /** Takes and sends nothing more. */
  close(error: GvaError): void {
    if (this.#ended) return;
    this.#ended = error;
    clearTimeout(this.#timer);
    this.#lost(error);
  }

  #hello(): Buffer {
    const payload = Buffer.alloc(6);
    payload.writeUInt32LE(this.#epoch, 0);
    payload.writeUInt16LE(this.maxPayload, 4);
    return payload;
  }

  #fill(): void {
    while (this.#unconfirmed.length < this.#window) {
      const frame = this.#waiting.shift();
      if (!frame) break;
      const number = (this.#confirmed + this.#unconfirmed.length) >>> 0;
      const bytes = encodeFrame({ ...frame, number });
      this.#unconfirmed.push(bytes);
      this.#port.write(bytes);
    }
    this.#watch();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#unconfirmed.length > 0) this.#timer = setTimeout(() => this.#sendAgain(), again).unref();
  }

  #sendAgain(): void {
    // A line that takes nothing gets no more of the same.
    if (!this.#port.writableNeedDrain) for (const bytes of this.#unconfirmed) this.#port.write(bytes);
    this.#watch();
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return;
    const { frames, skipped } = this.#reader.push(chunk);
    const before = this.#expected;
    for (const frame of frames) this.#accept(frame);
    if (skipped) this.#sayNak();
    else if (this.#expected !== before) this.#say(frameTypes.ack);
    // A guest that sends and does not listen is not heard until it does.
    if (!this.#port.writableNeedDrain || this.#port.isPaused()) return;
    this.#port.pause();
    this.#port.once('drain', () => this.#port.resume());
  }

  #accept(frame: Frame): void {
    const { type, number, payload } = frame;
    if (type === frameTypes.welcome) {
      if (payload.length !== 5 || payload.readUInt32LE(0) !== this.#epoch) return;
      this.#isWelcome = true;
      this.#welcomed?.();
    } else if (!this.#isWelcome) {
      // What was on its way to another one, who had this line before.
    } else if (type === frameTypes.ack || type === frameTypes.nak) {
      this.#confirm(number);
      if (type === frameTypes.nak) this.#sendAgain();
    } else if (!isNumbered(type)) return;
    else if (number === this.#expected) {
      this.#expected = (this.#expected + 1) >>> 0;
      this.#toldNak = false;
      this.#take(frame);
    } else if ((number - this.#expected) >>> 0 > 0x7fffffff) this.#say(frameTypes.ack);
    else this.#sayNak();
  }

  #confirm(number: number): void {
    const count = (number - this.#confirmed) >>> 0;
    if (count === 0 || count > this.#unconfirmed.length) return;
    this.#unconfirmed = this.#unconfirmed.slice(count);
    this.#confirmed = number;
    this.#fill();
  }

  #sayNak(): void {
    if (this.#toldNak) return;
    this.#toldNak = true;
    this.#say(frameTypes.nak);
  }

  #say(type: number): void {
    this.#port.write(encodeFrame({ type, session: 0, number: this.#expected, payload: Buffer.alloc(0) }));
  }
}

/** Whether the promise is fulfilled within so many milliseconds. */
async function inTime(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), Math.max(0, ms))));
  const done = await Promise.race([promise.then(() => true), time]);
  clearTimeout(timer);
  return done;
}

const gone = () => new GvaError('CHANNEL', 'the machine has ended', { exitCode: ExitCode.infrastructure });

const silent = () =>
  new GvaError('CHANNEL', 'the guest does not answer on its control channel', {
    exitCode: ExitCode.infrastructure,
    hint: 'It may be booting still, or its base may be older than the channel: gva base build micro --force',
  });
