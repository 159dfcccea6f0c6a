import { type ChildProcess, spawn } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitCode, GvaError, errnoOf, messageOf } from '../system/errors.js';
import { packageRoot } from '../system/package.js';
import { type ProcessIdentity, processIdentity } from '../system/process-identity.js';
import { ConsoleRing } from './console-ring.js';
import type { VirtualMachine, VmmExit } from './driver.js';
import { GuestLines } from './lines.js';
import { outOfMemoryKills } from './out-of-memory.js';

/** Descriptors that a supervised VMM inherits: connected stream sockets, read by us. */
export const eventsDescriptor = 4;
export const consoleDescriptor = 5;
/**
 * The first of the sockets that a command asks for besides; what comes from these, who asks must read. Its files are
 * behind them.
 */
export const firstSocketDescriptor = 6;

/** What a VMM that runs wild can take from the host; sizes in bytes. */
export interface ResourceLimits {
  /** Of any file that it writes. */
  readonly fileSize?: number;
  readonly addressSpace?: number;
  /** Seconds of processor time, of each process. */
  readonly cpuTime?: number;
}

/** A file that is open for a program when it starts: it needs no other way to it. */
export interface InheritedFile {
  readonly path: string;
  /** Of open(2), in Node's letters: `r`, `w`, `wx`, ... */
  readonly flags: string;
}

export interface VmmCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Added to what it gets of this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The program is bubblewrap. It gets no more of the environment than any program needs, which holds no secrets,
   * `infoDescriptor` to tell of itself on, and its filter of system calls to read from `filterDescriptor`.
   */
  readonly confined?: { readonly filter: Buffer | undefined };
  readonly limits?: ResourceLimits;
  /** SIGTERM is kept from it, where this host can do that: who asked for it ends it. */
  readonly sparedTerm?: boolean;
  /** How many sockets it inherits besides; none where absent. */
  readonly sockets?: number;
  /** What it inherits behind the sockets; none where absent. */
  readonly files?: readonly InheritedFile[];
}

export interface Supervised extends VirtualMachine {
  readonly lines: GuestLines;
  /** Our ends of the sockets that were asked for. */
  readonly sockets: readonly Duplex[];
  /** Our end of the console's socket. */
  readonly consoleSocket: Duplex;
  /** Writes to the socket of the events. */
  write(text: string): void;
}

/**
 * Starts a VMM in a process group of its own, under libexec/gva-supervise, which takes the whole group down
 * when this process dies. Its standard output counts as console.
 */
export async function startSupervised(command: VmmCommand): Promise<Supervised> {
  const spared = command.sparedTerm ? ['-k'] : [];
  const args = [...spared, ...limitArguments(command.limits ?? {}), command.program, ...command.args];
  const files = await openAll(command.files ?? []);
  try {
    const child = spawn(join(packageRoot, 'libexec/gva-supervise'), args, {
      detached: true,
      stdio: [
        'ignore',
        ...Array<'pipe'>(firstFileDescriptor(command) - 1).fill('pipe'),
        ...files.map(({ fd }) => fd),
        ...(command.confined ? (['pipe', 'pipe'] as const) : []),
      ],
      env: { ...(command.confined ? minimalEnvironment() : process.env), ...command.env },
    });
    await started(child, command.program);
    return new SupervisedMachine(child, command);
  } finally {
    await closeAll(files);
  }
}

type Descriptors = Pick<VmmCommand, 'sockets' | 'files'>;

/** The first of the files that a command inherits. */
export const firstFileDescriptor = ({ sockets = 0 }: Descriptors) => firstSocketDescriptor + sockets;

/** The descriptor behind all sockets and files: bubblewrap's `--info-fd`. */
export const infoDescriptor = (command: Descriptors) =>
  firstFileDescriptor(command) + (command.files?.length ?? 0);

/** The one behind that: bubblewrap's `--seccomp`. */
export const filterDescriptor = (command: Descriptors) => infoDescriptor(command) + 1;

/** @throws GvaError VMM_FILE */
async function openAll(files: readonly InheritedFile[]): Promise<FileHandle[]> {
  const handles: FileHandle[] = [];
  for (const { path, flags } of files)
    try {
      handles.push(await open(path, flags, 0o600));
    } catch (error) {
      await closeAll(handles);
      throw new GvaError('VMM_FILE', `cannot open ${path} for a machine: ${messageOf(error)}`, {
        exitCode: ExitCode.infrastructure,
        cause: error,
      });
    }
  return handles;
}

async function closeAll(handles: readonly FileHandle[]): Promise<void> {
  await Promise.all(handles.map((handle) => handle.close()));
}

function minimalEnvironment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'LD_LIBRARY_PATH', 'LANG', 'LC_ALL', 'TZ'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
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
  readonly lines: GuestLines;
  readonly console = new ConsoleRing();
  readonly exited: Promise<VmmExit>;
  readonly sockets: readonly Duplex[];
  readonly consoleSocket: Duplex;
  readonly #child: ChildProcess;
  readonly #events: Duplex;
  /** For want of memory, on this host, before it began. */
  readonly #kills = outOfMemoryKills();
  #ended = false;

  constructor(child: ChildProcess, command: VmmCommand) {
    this.#child = child;
    const [, stdout, stderr, lifeLine, events, console] = child.stdio as unknown as (Readable | undefined)[];
    this.#events = events as Duplex;
    const messages = new ConsoleRing(16 << 10);
    stderr?.on('data', (chunk: Buffer) => messages.append(chunk));
    for (const stream of [stdout, console]) stream?.on('data', (chunk: Buffer) => this.console.append(chunk));
    for (const stream of [lifeLine, console, stdout, stderr]) stream?.on('error', () => undefined);
    this.lines = new GuestLines(events as Readable);
    this.consoleSocket = console as Duplex;
    const all = child.stdio as unknown as Duplex[];
    this.sockets = all.slice(firstSocketDescriptor, firstFileDescriptor(command));
    for (const socket of this.sockets) socket.on('error', () => undefined);
    const info = command.confined ? all[infoDescriptor(command)] : undefined;
    if (command.confined)
      all[filterDescriptor(command)]?.on('error', () => undefined).end(command.confined.filter);
    this.exited = this.#exit(messages, info ? firstProcess(info) : Promise.resolve(undefined));
  }

  #exit(messages: ConsoleRing, first: Promise<ProcessIdentity | undefined>): Promise<VmmExit> {
    // Helpers and the watcher on the life line are still in the group; their end closes the streams.
    this.#child.once('exit', () => {
      this.#killGroup();
      this.#ended = true;
      // The end of what nobody reads would never come.
      for (const socket of this.sockets) socket.resume();
    });
    return new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        const status = code ?? 128 + (signal ? constants.signals[signal] : 0);
        const starved = status === 128 + constants.signals.SIGKILL && outOfMemoryKills() > this.#kills;
        const exit: VmmExit = {
          ...{ status, stderr: messages.bytes().toString('utf8') },
          ...(starved ? { outOfMemory: true } : {}),
        };
        void namespaceEnded(first).then(() => resolve(exit));
      });
    });
  }

  write(text: string): void {
    if (this.#events.writable) this.#events.write(text);
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

/** The first process inside, as bubblewrap tells it; undefined where it does not, or is gone already. */
function firstProcess(info: Readable): Promise<ProcessIdentity | undefined> {
  let text = '';
  return new Promise((resolve) => {
    // Read to its end: bubblewrap would not live with a reader that goes.
    info.on('data', (chunk: Buffer) => {
      if (text.length < 1024) text += chunk.toString('latin1');
      const pid = /"child-pid": *(\d+)[,\s}]/.exec(text)?.[1];
      if (pid !== undefined) resolve(processIdentity(Number(pid)));
    });
    for (const end of ['end', 'error', 'close']) info.on(end, () => resolve(undefined));
  });
}

/** Milliseconds; a killed process that still waits for a broken disk after that is not waited for. */
const patience = 5000;

/** The kernel takes the first process of a namespace for gone when it has killed and buried all others there. */
async function namespaceEnded(first: Promise<ProcessIdentity | undefined>): Promise<void> {
  const known = await first;
  if (!known) return;
  const end = performance.now() + patience;
  while (performance.now() < end && (await processIdentity(known.pid))?.start === known.start) await sleep(1);
}
