import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { ExitCode, GvaError } from '../../system/errors.js';

/** Bytes of a line from the guest, at most; what we ask to be read comes as 64 KiB of base64. */
const longestLine = 256 << 10;
/** Lines that are kept until somebody reads them, at most: an answer, and what is said of the sentinel before it. */
const mostLines = 4;
/** Milliseconds that an agent has to answer: what is asked of it is short. */
const answerTime = 20_000;
/** Milliseconds until an agent that has not answered is asked again whether it is there. */
const again = 1000;
/** Before what is asked and before what is answered, so that nothing older is taken for it ("guest-sync-delimited"). */
const sentinel = 0xff;

/** A value as the agent sends it: anything. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * A client of the QEMU guest agent (QEMU documentation, "QEMU Guest Agent Protocol Reference"): one question after the other.
 * The guest may say anything: no more than some lines are kept of it, and every wait ends.
 */
export class QemuAgentClient {
  readonly #port: Duplex;
  #kept: Buffer[] = [];
  #size = 0;
  #ended = false;
  /** What is on the line is the answer to what was asked last. */
  #inStep = false;
  /** Whole lines that nobody has read. */
  #lines: Buffer[] = [];
  #wake: () => void = () => undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param port nobody else reads it from now on */
  constructor(port: Duplex) {
    this.#port = port;
    port.on('data', (chunk: Buffer) => this.#receive(chunk));
    for (const event of ['end', 'close', 'error'])
      port.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
  }

  /**
   * Resolves when the agent has answered.
   *
   * @param patience milliseconds
   * @throws GvaError CHANNEL where it does not
   */
  async open(patience: number): Promise<void> {
    await this.#inTurn(() => this.#synchronize(patience));
  }

  /**
   * Has the agent execute a command, and gives what it returns.
   *
   * @throws GvaError CHANNEL where it does not answer, CHANNEL_REFUSED where it will not
   */
  call(execute: string, args: Readonly<Record<string, Json>> = {}): Promise<Json> {
    return this.#inTurn(async () => {
      if (!this.#inStep) await this.#synchronize(answerTime);
      this.#inStep = false;
      this.#write(JSON.stringify({ execute, arguments: args }));
      const answer = parse(await this.#line(answerTime));
      if (answer === undefined) throw silent();
      this.#inStep = true;
      if ('return' in answer) return answer['return'] ?? null;
      const { error } = answer;
      const why = isObject(error) && typeof error['desc'] === 'string' ? error['desc'] : 'no reason is given';
      throw new GvaError('CHANNEL_REFUSED', `the QEMU guest agent refuses ${execute}: ${why.slice(0, 500)}`, {
        exitCode: ExitCode.infrastructure,
      });
    });
  }

  /** Asks for what has no answer where it succeeds; the next question begins anew. */
  tell(execute: string, args: Readonly<Record<string, Json>>): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#inStep) await this.#synchronize(answerTime);
      this.#inStep = false;
      this.#write(JSON.stringify({ execute, arguments: args }));
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #synchronize(patience: number): Promise<void> {
    const end = performance.now() + patience;
    while (performance.now() < end) {
      if (this.#ended) throw gone();
      const id = randomBytes(4).readUInt32LE();
      const question = { execute: 'guest-sync-delimited', arguments: { id } };
      // One that does not read yet needs no more of it.
      if (!this.#port.writableNeedDrain) {
        this.#port.write(Buffer.of(sentinel));
        this.#write(JSON.stringify(question));
      }
      const next = Math.min(end, performance.now() + again);
      for (let line; (line = await this.#line(next - performance.now()));) {
        // What was said before the sentinel belongs to others.
        const answer = parse(line.subarray(line.lastIndexOf(sentinel) + 1));
        if (line.includes(sentinel) && answer?.['return'] === id) {
          this.#inStep = true;
          return;
        }
      }
    }
    throw this.#ended ? gone() : silent();
  }

  /** What has come until now is no answer to it. */
  #write(line: string): void {
    this.#lines = [];
    this.#port.write(`${line}\n`);
  }

  /** The next line; undefined where none comes within so many milliseconds. */
  #line(limit: number): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#wake = () => undefined;
        resolve(this.#lines.shift());
      };
      const timer = setTimeout(end, Math.max(0, limit));
      if (this.#lines.length > 0 || this.#ended) end();
      else this.#wake = end;
    });
  }

  #receive(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0;) {
      const end = rest.indexOf('\n');
      const part = end < 0 ? rest : rest.subarray(0, end);
      rest = end < 0 ? Buffer.alloc(0) : rest.subarray(end + 1);
      this.#size += part.length;
      if (this.#size <= longestLine) this.#kept.push(part);
      if (end < 0) return;
      // One that is too long is none.
      if (this.#size <= longestLine) this.#lines.push(Buffer.concat(this.#kept));
      if (this.#lines.length > mostLines) this.#lines.shift();
      [this.#kept, this.#size] = [[], 0];
      this.#wake();
    }
  }
}

function parse(line: Buffer | undefined): Readonly<Record<string, Json>> | undefined {
  if (!line) return undefined;
  try {
    const value = JSON.parse(line.toString('utf8')) as Json;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export const isObject = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const gone = () => new GvaError('CHANNEL', 'the machine has ended', { exitCode: ExitCode.infrastructure });

const silent = () =>
  new GvaError('CHANNEL', "the guest's QEMU guest agent does not answer, or not as it should", {
    exitCode: ExitCode.infrastructure,
    hint: 'It may be booting still. Its package is qemu-guest-agent; its port is org.qemu.guest_agent.0.',
  });
