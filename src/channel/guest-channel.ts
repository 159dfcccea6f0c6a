import type { Duplex } from 'node:stream';
import { getSystemErrorMap } from 'node:util';
import { ExitCode, GvaError } from '../system/errors.js';
import { type CommandExit, type GuestCommand, Input, Output, commandBytes } from './command.js';
import { type Frame, frameTypes } from './frame.js';
import { Link, type Pace } from './link.js';

/** Commands at the same time, at most; the guest's agent has the same number. */
export const mostCommands = 8;

/** Commands in a guest, by its agent (guest/gvad-agent.c). */
export class GuestChannel {
  readonly #link: Link;
  readonly #sessions = new Map<number, Session>();

  /** @throws GvaError CHANNEL where the guest does not answer within so many milliseconds */
  static async open(port: Duplex, pace: Pace, patience: number): Promise<GuestChannel> {
    const channel = new GuestChannel(port, pace);
    await channel.#link.open(patience).catch((error: unknown) => {
      channel.#link.close(error as GvaError);
      throw error;
    });
    return channel;
  }

  private constructor(port: Duplex, pace: Pace) {
    this.#link = new Link(
      port,
      (frame) => this.#take(frame),
      (error) => this.#lost(error),
      pace,
    );
  }

  /**
   * Starts a command, as root, in the guest's /output. A name without a slash is looked for in /app and where programs
   * are.
   *
   * @throws GvaError CHANNEL_BUSY where too many run, CHANNEL_EXEC where the words are too long
   */
  exec(words: readonly string[]): GuestCommand {
    const payload = commandBytes(words);
    const number = [...Array(mostCommands).keys()].find((each) => !this.#sessions.has(each));
    if (number === undefined)
      throw new GvaError('CHANNEL_BUSY', `${mostCommands} commands run in this guest already`, {
        hint: 'Wait until one has ended.',
      });
    const session = new Session(this.#link, number, () => this.#sessions.delete(number));
    this.#sessions.set(number, session);
    this.#link.send(frameTypes.exec, number, payload);
    return session;
  }

  close(): void {
    this.#link.close(
      new GvaError('CHANNEL', 'the channel was closed', { exitCode: ExitCode.infrastructure }),
    );
  }

  #take(frame: Frame): void {
    if (this.#sessions.get(frame.session)?.take(frame) !== false) return;
    this.#link.close(
      new GvaError('CHANNEL', 'the guest does not keep to the protocol of the channel', {
        exitCode: ExitCode.infrastructure,
      }),
    );
  }

  #lost(error: GvaError): void {
    for (const session of [...this.#sessions.values()]) session.fail(error);
  }
}

class Session implements GuestCommand {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly exited: Promise<CommandExit>;
  readonly #link: Link;
  readonly #number: number;
  readonly #over: () => void;
  #killed = false;
  /** Its number may be that of another command by now. */
  #ended = false;
  #resolve!: (exit: CommandExit) => void;
  #reject!: (error: GvaError) => void;

  constructor(link: Link, number: number, over: () => void) {
    [this.#link, this.#number, this.#over] = [link, number, over];
    const send = (type: number, stream: number, rest: Buffer = Buffer.alloc(0)) =>
      link.send(type, number, Buffer.concat([Buffer.of(stream), rest]));
    this.stdin = new Input(
      link.maxPayload - 1,
      (bytes) => send(frameTypes.data, 0, bytes),
      () => send(frameTypes.end, 0),
    );
    const output = (stream: number) =>
      new Output((bytes) => send(frameTypes.credit, stream, numberBytes(bytes)));
    [this.stdout, this.stderr] = [output(1), output(2)];
    this.exited = new Promise((resolve, reject) => ([this.#resolve, this.#reject] = [resolve, reject]));
    // Who does not wait for it is not to be ended by it.
    this.exited.catch(() => undefined);
    this.stdin.on('error', () => undefined);
  }

  signal(number: number): void {
    if (!this.#ended) this.#link.send(frameTypes.signal, this.#number, Buffer.of(number));
  }

  kill(): void {
    if (this.#killed || this.#ended) return;
    this.#killed = true;
    this.#link.send(frameTypes.close, this.#number, Buffer.alloc(0));
    this.#finish();
    this.#reject(new GvaError('CHANNEL', 'the command was killed', { exitCode: ExitCode.infrastructure }));
  }

  /** False where the guest may not say that. */
  take({ type, payload }: Frame): boolean {
    // Its number is free again when the guest has said that it has ended.
    if (this.#killed) {
      if (type === frameTypes.exit || type === frameTypes.failed) this.#over();
      return true;
    }
    const stream = payload[0] === 1 ? this.stdout : payload[0] === 2 ? this.stderr : undefined;
    switch (type) {
      case frameTypes.data:
        return stream?.accept(payload.subarray(1)) ?? false;
      case frameTypes.end:
        stream?.finish();
        return stream !== undefined;
      case frameTypes.credit:
        if (payload.length !== 5 || payload[0] !== 0) return false;
        this.stdin.credit(payload.readUInt32LE(1));
        return true;
      case frameTypes.exit:
        if (payload.length !== 2) return false;
        this.#end();
        this.#resolve({ status: payload.readUInt16LE(0) });
        return true;
      case frameTypes.failed:
        if (payload.length !== 2) return false;
        this.fail(notStarted(payload.readUInt16LE(0)));
        return true;
      default:
        return false;
    }
  }

  fail(error: GvaError): void {
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    this.#ended = true;
    this.#over();
    this.#finish();
  }

  #finish(): void {
    this.stdin.destroy();
    for (const stream of [this.stdout, this.stderr]) stream.finish();
  }
}

function numberBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function notStarted(errno: number): GvaError {
  const [, description = `error ${errno}`] = getSystemErrorMap().get(-errno) ?? [];
  return new GvaError('CHANNEL_EXEC', `the guest cannot start the command: ${description}`, {
    hint: 'Programs are looked for in /app, /usr/local, /usr and / of the guest.',
  });
}
