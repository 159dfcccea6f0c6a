import { Readable, Writable } from 'node:stream';
import { GvaError } from '../system/errors.js';

/** Bytes of a stream of a command that may be under way; the guest's agent has the same number. */
export const room = 256 << 10;

/** Bytes of the words of a command. */
const longestCommand = 32_000;

/** @returns the words, each with a NUL at its end. @throws GvaError CHANNEL_EXEC where they are too long */
export function commandBytes(words: readonly string[]): Buffer {
  const bytes = Buffer.from(words.map((word) => `${word}\0`).join(''));
  if (bytes.length <= longestCommand && words.length <= 255 && !words.some((word) => word.includes('\0')))
    return bytes;
  throw new GvaError('CHANNEL_EXEC', 'the command is too long', {
    hint: 'Put it into a script: gva put INSTANCE script.sh /tmp/script.sh',
  });
}

/** How a command in a guest has ended. */
export interface CommandExit {
  /** Exit status; 128 + signal number where a signal ended it. */
  readonly status: number;
}

/** A command that runs in a guest. Its streams are to be read, or it stands still. */
export interface GuestCommand {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the command has ended, and all that it said is in its streams. @throws GvaError CHANNEL_EXEC, CHANNEL */
  readonly exited: Promise<CommandExit>;
  /** Sends it, and all that it has started, a signal by its number. */
  signal(number: number): void;
  /** Has it end at once, wherever it is; nothing more is heard of it. */
  kill(): void;
}

/** What a command says, as the guest sends it; never more of it than there is room for. */
export class Output extends Readable {
  readonly #credit: (bytes: number) => void;
  #room = room;
  /** Bytes that have come and are not known to be read. */
  #held = 0;
  #ended = false;

  /** @param credit tells the guest that so many bytes more may come */
  constructor(credit: (bytes: number) => void) {
    super({ highWaterMark: room });
    this.#credit = credit;
  }

  /** False where the guest sends more than it may. */
  accept(bytes: Buffer): boolean {
    if (bytes.length > this.#room || this.#ended) return false;
    this.#room -= bytes.length;
    this.#held += bytes.length;
    this.push(bytes);
    // A reader that waited for it has it by now.
    this.#release();
    return true;
  }

  /** Nothing more comes. */
  finish(): void {
    this.#ended = true;
    this.push(null);
  }

  /** The class below asks once for more, and then not again before more has come: here that waits for what is read. */
  override read(size?: number): unknown {
    const bytes: unknown = super.read(size);
    this.#release();
    return bytes;
  }

  override _read(): void {
    // All that there is was pushed already.
  }

  #release(): void {
    const read = this.#held - this.readableLength;
    if (read < room / 4) return;
    this.#held -= read;
    this.#room += read;
    this.#credit(read);
  }
}

/** What a command is to read. */
export class Input extends Writable {
  readonly #send: (bytes: Buffer) => void;
  readonly #end: () => void;
  readonly #piece: number;
  #room = room;
  #waiting: { bytes: Buffer; done: (error?: Error | null) => void } | undefined;

  /** @param piece bytes that are sent at once, at most */
  constructor(piece: number, send: (bytes: Buffer) => void, end: () => void) {
    super({ highWaterMark: room });
    [this.#piece, this.#send, this.#end] = [piece, send, end];
  }

  /** The guest has room for so many bytes more. */
  credit(bytes: number): void {
    // What it says cannot make us hold more than that for it.
    this.#room = Math.min(room, this.#room + bytes);
    this.#fill();
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#waiting = { bytes, done };
    this.#fill();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#end();
    done();
  }

  #fill(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    while (waiting.bytes.length > 0 && this.#room > 0) {
      const size = Math.min(this.#piece, this.#room, waiting.bytes.length);
      this.#send(waiting.bytes.subarray(0, size));
      waiting.bytes = waiting.bytes.subarray(size);
      this.#room -= size;
    }
    if (waiting.bytes.length > 0) return;
    this.#waiting = undefined;
    waiting.done();
  }
}
