import { type Duplex, PassThrough, Writable } from 'node:stream';
import { ExitCode, GvaError } from '../system/errors.js';
import type { CommandExit, GuestCommand } from './command.js';
import { type Frame, FrameReader, frameTypes } from './frame.js';
import { drained, sayOn, sayPieces } from './relay.js';

/** A command in the guest of another process, by a socket whose other end has `relayCommand`. */
export class RemoteCommand implements GuestCommand {
  readonly stdin: Writable;
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly exited: Promise<CommandExit>;
  readonly #socket: Duplex;
  readonly #reader = new FrameReader();
  #resolve!: (exit: CommandExit) => void;
  #reject!: (error: GvaError) => void;

  constructor(socket: Duplex) {
    this.#socket = socket;
    const say = sayOn(socket);
    this.stdin = new Writable({
      write: (bytes: Buffer, _, done) => void sayPieces(bytes, 0, say).then(() => done(), done),
      final: (done) => void say(frameTypes.end, Buffer.of(0)).then(() => done(), done),
    });
    this.stdin.on('error', () => undefined);
    this.exited = new Promise((resolve, reject) => ([this.#resolve, this.#reject] = [resolve, reject]));
    this.exited.catch(() => undefined);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => undefined);
    socket.once('close', () => this.#fail({ code: 'CHANNEL', message: 'the instance has ended' }));
  }

  signal(number: number): void {
    void sayOn(this.#socket)(frameTypes.signal, Buffer.of(number)).catch(() => undefined);
  }

  kill(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    for (const frame of this.#reader.push(chunk).frames) this.#take(frame);
    this.#waitForReaders();
  }

  /** Nothing more is heard while a stream is full. One that has ended is not: it never says that it was drained. */
  #waitForReaders(): void {
    const full = [this.stdout, this.stderr].find((stream) => stream.writableNeedDrain);
    if (!full) {
      this.#socket.resume();
      return;
    }
    this.#socket.pause();
    void drained(full).then(() => this.#waitForReaders());
  }

  #take({ type, payload }: Frame): void {
    const stream = payload[0] === 1 ? this.stdout : this.stderr;
    if (type === frameTypes.data) stream.write(payload.subarray(1));
    else if (type === frameTypes.end) stream.end();
    else if (type === frameTypes.exit) this.#end(() => this.#resolve({ status: payload[0] ?? 255 }));
    else if (type === frameTypes.failed)
      this.#fail(JSON.parse(payload.toString('utf8')) as { code: string; message: string; hint?: string });
  }

  #fail({ code, message, hint }: { code: string; message: string; hint?: string }): void {
    const options = { exitCode: ExitCode.infrastructure, ...(hint === undefined ? {} : { hint }) };
    this.#end(() => this.#reject(new GvaError(code, message, options)));
  }

  #end(tell: () => void): void {
    for (const stream of [this.stdout, this.stderr]) if (!stream.writableEnded) stream.end();
    this.stdin.destroy();
    tell();
  }
}
