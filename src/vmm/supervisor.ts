import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { ExitCode, GvaError, errnoOf } from '../system/errors.js';
import { packageRoot } from '../system/paths.js';
import { ConsoleRing } from './console-ring.js';
import type { VirtualMachine, VmmExit } from './driver.js';
import { guestLines } from './lines.js';

/** Descriptors that a supervised VMM inherits: connected stream sockets, read by us. */
export const eventsDescriptor = 4;
export const consoleDescriptor = 5;
/** The first of the sockets that a command asks for besides; what comes from these, who asks must read. */
export const firstSocketDescriptor = 6;

/** What a VMM that runs wild can take from the host; sizes in bytes. */
export interface ResourceLimits {
  /** Of any file that it writes. */
  readonly fileSize?: number;
  readonly addressSpace?: number;
  /** Seconds of processor time, of each process. */
  readonly cpuTime?: number;
}

export interface VmmCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: ResourceLimits;
  /** How many sockets it inherits besides; none where absent. */
  readonly sockets?: number;
}

export interface Supervised extends VirtualMachine {
  /** Our ends of the sockets that were asked for. */
  readonly sockets: readonly Duplex[];
}

/**
 * Starts a VMM in a process group of its own, under libexec/gva-supervise, which takes the whole group down
 * when this process dies. Its standard output counts as console.
 */
export async function startSupervised(command: VmmCommand): Promise<Supervised> {
  const args = [...limitArguments(command.limits ?? {}), command.program, ...command.args];
  const child = spawn(join(packageRoot, 'libexec/gva-supervise'), args, {
    detached: true,
    stdio: ['ignore', ...Array<'pipe'>(firstSocketDescriptor - 1 + (command.sockets ?? 0)).fill('pipe')],
    env: { ...process.env, ...command.env },
  });
  await started(child, command.program);
  return new SupervisedMachine(child);
}

function limitArguments({ fileSize, addressSpace, cpuTime }: ResourceLimits): string[] {
  return [
    ...(fileSize === undefined ? [] : ['-f', String(Math.ceil(fileSize / 512))]),
    ...(cpuTime === undefined ? [] : ['-t', String(Math.ceil(cpuTime))]),
    ...(addressSpace === undefined ? [] : ['-v', String(Math.ceil(addressSpace / 1024))]),
  ];
}

function started(child: ChildProcess, program: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => {
      const hint =
        errnoOf(error) === 'EAGAIN' ? 'This user may start no more processes (ulimit -u).' : undefined;
      reject(
        new GvaError('VMM_START', `cannot start ${program}: ${error.message}`, {
          exitCode: ExitCode.infrastructure,
          cause: error,
          ...(hint === undefined ? {} : { hint }),
        }),
      );
    });
  });
}

class SupervisedMachine implements Supervised {
  readonly lines: AsyncIterable<string>;
  readonly console = new ConsoleRing();
  readonly exited: Promise<VmmExit>;
  readonly sockets: readonly Duplex[];
  readonly #child: ChildProcess;
  #ended = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    const [, stdout, stderr, lifeLine, events, console] = child.stdio as unknown as (Readable | undefined)[];
    const messages = new ConsoleRing(16 << 10);
    stderr?.on('data', (chunk: Buffer) => messages.append(chunk));
    for (const stream of [stdout, console]) stream?.on('data', (chunk: Buffer) => this.console.append(chunk));
    for (const stream of [lifeLine, console, stdout, stderr]) stream?.on('error', () => undefined);
    this.lines = guestLines(events as Readable);
    this.sockets = (child.stdio as unknown as Duplex[]).slice(firstSocketDescriptor);
    this.exited = this.#exit(messages);
  }

  #exit(messages: ConsoleRing): Promise<VmmExit> {
    // Helpers and the watcher on the life line are still in the group; their end closes the streams.
    this.#child.once('exit', () => {
      this.#killGroup();
      this.#ended = true;
    });
    return new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        const status = code ?? 128 + (signal ? constants.signals[signal] : 0);
        resolve({ status, stderr: messages.bytes().toString('utf8') });
      });
    });
  }

  kill(): void {
    if (!this.#ended) this.#killGroup();
  }

  #killGroup(): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.exited;
  }
}
