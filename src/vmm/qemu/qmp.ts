import type { Duplex } from 'node:stream';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { QmpLines } from './qmp-lines.js';

/** An event of the QEMU Machine Protocol (QEMU documentation, "QEMU QMP Reference Manual"). */
export interface QmpEvent {
  /** `SHUTDOWN`, `RESUME`, `GUEST_PANICKED`, ... */
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** How long to wait for an answer. */
export interface QmpWait {
  /** Milliseconds; 10 s where absent. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

const defaultTimeout = 10_000;

/**
 * A client of QEMU's monitor over a connected stream, which it owns. It negotiates by itself; commands given
 * earlier wait for that. Whatever QEMU does - stops, ends, talks nonsense - every wait ends: by its time limit,
 * or when the stream does.
 */
export class QmpClient {
  /** Resolved with the reason when the connection has ended. */
  readonly ended: Promise<GvaError>;
  readonly #stream: Duplex;
  readonly #lines = new QmpLines();
  readonly #pending = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  readonly #endings = new Set<(error: GvaError) => void>();
  #lastId = 0;
  /** Commands that wait for QEMU's greeting; undefined once it came. */
  #unsent: string[] | undefined = [];
  #failure: GvaError | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.ended = new Promise((resolve) => this.#endings.add(resolve));
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', (error) => this.#fail('QMP_ENDED', error.message));
    for (const end of ['end', 'close']) stream.on(end, () => this.#fail('QMP_ENDED', 'it has ended'));
  }

  /**
   * Has QEMU execute a command and gives what it returns.
   *
   * @throws GvaError QMP_REFUSED with QEMU's class and text, QMP_TIMEOUT (a late answer is ignored), QMP_ENDED,
   *   QMP_PROTOCOL; the signal's reason
   */
  execute(
    command: string,
    args: Readonly<Record<string, unknown>> = {},
    wait: QmpWait = {},
  ): Promise<unknown> {
    const id = ++this.#lastId;
    return this.#limited(`answered ${command}`, wait, (waiting) => {
      const refuse = (error: Error) => waiting.reject(refusal(command, error));
      this.#pending.set(id, { resolve: waiting.resolve, reject: refuse });
      this.#send(JSON.stringify({ execute: command, arguments: args, id }));
      return () => this.#pending.delete(id);
    });
  }

  /** The next event of that name. @throws GvaError QMP_TIMEOUT, QMP_ENDED, QMP_PROTOCOL; the signal's reason */
  event(name: string, wait: QmpWait = {}): Promise<QmpEvent> {
    return this.#limited(`told of ${name}`, wait, ({ resolve }) =>
      this.listen((event) => {
        if (event.name === name) resolve(event);
      }),
    ) as Promise<QmpEvent>;
  }

  /** Calls the listener, which must not throw, for each event from now on. Gives what ends that. */
  listen(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends the connection, not QEMU. */
  close(): void {
    this.#fail('QMP_ENDED', 'it was closed');
  }

  /** A promise that `begin` settles, or the time limit, the signal, or the connection's end. */
  #limited(what: string, wait: QmpWait, begin: (waiting: Waiting) => () => unknown): Promise<unknown> {
    const { timeout = defaultTimeout, signal } = wait;
    return new Promise<unknown>((resolve, reject) => {
      if (this.#failure) throw this.#failure;
      signal?.throwIfAborted();
      const settle =
        <T>(action: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', aborted);
          this.#endings.delete(failed);
          undo();
          action(value);
        };
      const failed = settle(reject);
      const aborted = () => failed(asError(signal?.reason));
      const late = () => failed(qmpError('QMP_TIMEOUT', `QEMU has not ${what} within ${timeout} ms`));
      const timer = setTimeout(late, timeout);
      signal?.addEventListener('abort', aborted, { once: true });
      this.#endings.add(failed);
      const undo = begin({ resolve: settle(resolve), reject: failed });
    });
  }

  #send(line: string): void {
    if (this.#unsent) this.#unsent.push(line);
    else this.#stream.write(`${line}\n`);
  }

  #receive(chunk: Buffer): void {
    if (this.#failure) return;
    try {
      for (const line of this.#lines.push(chunk)) this.#take(JSON.parse(line));
    } catch (error) {
      this.#fail('QMP_PROTOCOL', messageOf(error));
    }
  }

  #take(message: unknown): void {
    if (!isObject(message)) throw new TypeError('a message that is no object');
    if ('QMP' in message) this.#greeted();
    else if (typeof message['event'] === 'string') this.#emit(message['event'], message['data']);
    else this.#answer(message);
  }

  #greeted(): void {
    const waiting = this.#unsent ?? [];
    this.#unsent = undefined;
    this.#send(JSON.stringify({ execute: 'qmp_capabilities' }));
    for (const line of waiting) this.#send(line);
  }

  #emit(name: string, data: unknown): void {
    for (const listener of [...this.#listeners]) listener({ name, data: isObject(data) ? data : {} });
  }

  /** An id that nobody waits for is that of a command whose time was up. */
  #answer(message: Record<string, unknown>): void {
    const waiting = this.#pending.get(message['id'] as number);
    if (!waiting) return;
    const { error } = message;
    if (isObject(error)) waiting.reject(new Error(`${String(error['desc'])} (${String(error['class'])})`));
    else waiting.resolve(message['return']);
  }

  #fail(code: string, problem: string): void {
    this.#failure ??= qmpError(code, `the monitor of QEMU cannot be used: ${problem}`);
    for (const end of [...this.#endings]) end(this.#failure);
    this.#stream.destroy();
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const asError = (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason)));

const refusal = (command: string, cause: Error) =>
  qmpError('QMP_REFUSED', `QEMU refused ${command}: ${cause.message}`);

const qmpError = (code: string, message: string) =>
  new GvaError(code, message, { exitCode: ExitCode.infrastructure });
