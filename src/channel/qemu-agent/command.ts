import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import type { CommandExit, GuestCommand } from '../command.js';
import { drained } from '../relay.js';
import { type Json, type QemuAgentClient, isObject } from './client.js';
import { nonsense, numberOf } from './values.js';

/** Bytes of a file that are read or written at once: as base64 they are 64 KiB. */
const piece = 48 << 10;
/** Milliseconds between two looks at a command that says nothing: at first, and at most. */
const [shortRest, longRest] = [10, 200];

/**
 * What the agent starts. $1: of its files; the others: the words. In a session of its own it can be ended with all that it has
 * started.
 */
const wrapper = `
files=$1
shift
cd /output 2>/dev/null || cd /
PATH=/app:\${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
export PATH
exec <"$files.in" >>"$files.out" 2>>"$files.err"
command -v -- "$1" >/dev/null || { echo "$1: there is no such program" >&2; exit 127; }
! command -v setsid >/dev/null || exec setsid "$@"
exec "$@"`;

/** A file in the guest, and where what comes into it goes. */
interface Followed {
  readonly handle: number;
  readonly stream: PassThrough;
}

/**
 * A command by the QEMU guest agent, which gives what a command says only at its end, and no more than 16 MiB of it: input and
 * output are files in the guest's /tmp, which are written before it starts, and read while it runs.
 */
export class AgentCommand implements GuestCommand {
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly exited: Promise<CommandExit>;
  readonly #client: QemuAgentClient;
  readonly #words: readonly string[];
  readonly #files = `/tmp/gva-${randomBytes(8).toString('hex')}`;
  #pid: number | undefined;
  #killed = false;

  constructor(client: QemuAgentClient, words: readonly string[]) {
    [this.#client, this.#words] = [client, words];
    this.exited = this.#run().finally(() => {
      this.stdin.destroy();
      for (const stream of [this.stdout, this.stderr]) if (!stream.writableEnded) stream.end();
    });
    this.exited.catch(() => undefined);
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.on('error', () => undefined);
  }

  signal(number: number): void {
    if (this.#pid === undefined) return;
    const text = 'kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "$2"';
    void this.#start(['-c', text, 'sh', String(number), String(this.#pid)]).catch(() => undefined);
  }

  kill(): void {
    if (this.#killed) return;
    this.#killed = true;
    this.stdin.destroy();
    this.signal(9);
  }

  async #run(): Promise<CommandExit> {
    const handles: number[] = [];
    const open = async (kind: string, mode: 'r' | 'w') => {
      const path = `${this.#files}.${kind}`;
      const handle = numberOf(await this.#client.call('guest-file-open', { path, mode }));
      handles.push(handle);
      return handle;
    };
    try {
      await this.#writeInput(await open('in', 'w'));
      for (const kind of ['out', 'err']) await open(kind, 'w');
      const outputs: Followed[] = [
        { handle: await open('out', 'r'), stream: this.stdout },
        { handle: await open('err', 'r'), stream: this.stderr },
      ];
      // What was written is in the file when it is closed.
      for (const handle of handles.splice(0, 3)) await this.#close(handle);
      this.#pid = await this.#start(['-c', wrapper, 'sh', this.#files, ...this.#words]);
      if (this.#killed) this.signal(9);
      const exit = await this.#follow(this.#pid, outputs);
      if (this.#killed) throw new Error('killed');
      return exit;
    } catch (error) {
      if (!this.#killed) throw error;
      throw new GvaError('CHANNEL', 'the command was killed', { exitCode: ExitCode.infrastructure });
    } finally {
      this.#pid = undefined;
      for (const handle of handles) await this.#close(handle).catch(() => undefined);
      const names = ['in', 'out', 'err'].map((kind) => `${this.#files}.${kind}`);
      await this.#start(['-c', 'rm -f "$@"', 'sh', ...names]).catch(() => undefined);
    }
  }

  async #writeInput(handle: number): Promise<void> {
    for await (const chunk of this.stdin)
      for (let rest = chunk as Buffer; rest.length > 0;) {
        const part = rest.subarray(0, piece);
        const args = { handle, 'buf-b64': part.toString('base64') };
        const written = fieldOf(await this.#client.call('guest-file-write', args), 'count');
        if (written <= 0 || written > part.length) throw nonsense();
        rest = rest.subarray(written);
      }
  }

  async #follow(pid: number, outputs: readonly Followed[]): Promise<CommandExit> {
    for (let rest = shortRest; ;) {
      // What was said before it ended is all in the files when that is known.
      const status = await this.#client.call('guest-exec-status', { pid });
      let said = 0;
      for (const { handle, stream } of outputs) said += await this.#bring(handle, stream);
      if (!isObject(status)) throw nonsense();
      if (status['exited'] === true) {
        const { signal, exitcode } = status;
        return { status: signal === undefined ? numberOf(exitcode) : 128 + numberOf(signal) };
      }
      if (this.#killed) throw new Error('killed');
      rest = said > 0 ? shortRest : Math.min(longRest, rest * 2);
      await sleep(rest);
    }
  }

  /** Gives on what is new in a file, to its end. @returns its size */
  async #bring(handle: number, stream: PassThrough): Promise<number> {
    for (let total = 0; ;) {
      const answer = await this.#client.call('guest-file-read', { handle, count: piece });
      const text = isObject(answer) ? answer['buf-b64'] : undefined;
      const bytes = typeof text === 'string' ? Buffer.from(text, 'base64') : undefined;
      if (!bytes || bytes.length > piece) throw nonsense();
      if (bytes.length === 0) return total;
      total += bytes.length;
      // Of one that was killed nobody hears any more.
      if (this.#killed) throw new Error('killed');
      if (!stream.write(bytes)) await drained(stream);
    }
  }

  async #close(handle: number): Promise<void> {
    await this.#client.call('guest-file-close', { handle });
  }

  async #start(words: readonly string[]): Promise<number> {
    const args: Record<string, Json> = { path: '/bin/sh', arg: [...words], 'capture-output': false };
    try {
      return fieldOf(await this.#client.call('guest-exec', args), 'pid');
    } catch (error) {
      if (!(error instanceof GvaError) || error.code !== 'CHANNEL_REFUSED') throw error;
      throw new GvaError('CHANNEL_EXEC', messageOf(error), {
        exitCode: ExitCode.infrastructure,
        cause: error,
      });
    }
  }
}

function fieldOf(answer: Json, name: string): number {
  if (!isObject(answer)) throw nonsense();
  return numberOf(answer[name]);
}
