import type { Duplex } from 'node:stream';
import type { ConsoleRing } from '../console-ring.js';
import type { ChannelLine, Checkpoints, DeviceState, Disk, VirtualMachine, VmmExit } from '../driver.js';
import type { Supervised } from '../supervisor.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import type { QemuSocket } from './arguments.js';
import { QemuCheckpoints } from './checkpoints.js';
import { changeMedium, exchangeDisks } from './exchange.js';
import { plugDisk, unplugDisk } from './hot-plug.js';
import { resumeFrom, saveTo } from './migration.js';
import { goOnWhenRoom } from './full-disk.js';
import { makeOverlays } from './overlays.js';
import { QmpClient } from './qmp.js';
import type { StateSocket } from './state-socket.js';

/** A running QEMU and its monitor. */
export class QemuMachine implements VirtualMachine {
  readonly lines: AsyncIterable<string>;
  readonly console: ConsoleRing;
  readonly exited: Promise<VmmExit>;
  readonly qmp: QmpClient;
  readonly terminal: Duplex;
  readonly checkpoints?: Checkpoints;
  readonly channel?: ChannelLine;
  readonly service?: Duplex;
  readonly qemuAgent?: Duplex;
  readonly #process: Supervised;
  readonly #socket: StateSocket | undefined;
  #exchanges = 0;

  /**
   * @param supervised started with a socket for the monitor, and perhaps others
   * @param options.sockets what they are; the monitor's alone where absent
   * @param options.socket that its state can be saved through; closed at its end
   * @param options.disks that it has; with a socket and layers, there can be checkpoints
   * @param options.pause seconds that a machine is stopped whose disk has no room
   */
  constructor(
    supervised: Supervised,
    {
      socket,
      disks = [],
      sockets = ['monitor'],
      pause,
    }: {
      readonly socket?: StateSocket | undefined;
      readonly disks?: readonly Disk[];
      readonly sockets?: readonly QemuSocket[];
      readonly pause?: number;
    } = {},
  ) {
    this.#socket = socket;
    const socketOf = (name: QemuSocket) => supervised.sockets[sockets.indexOf(name)];
    const [monitor, channel, service] = [socketOf('monitor'), socketOf('channel'), socketOf('service')];
    const qemuAgent = socketOf('agent');
    if (!monitor) throw new TypeError('a QEMU without a monitor');
    if (channel) this.channel = { port: channel, kind: 'virtio' };
    if (service) this.service = service;
    if (qemuAgent) this.qemuAgent = qemuAgent;
    this.#process = supervised;
    this.lines = supervised.lines;
    this.console = supervised.console;
    this.terminal = supervised.consoleSocket;
    this.qmp = new QmpClient(monitor);
    goOnWhenRoom(this.qmp, pause);
    if (socket && disks.some(({ layers }) => layers))
      this.checkpoints = new QemuCheckpoints(this.qmp, socket, disks, () => supervised.lines.unfinished);
    let reason: unknown;
    this.qmp.listen(({ name, data }) => {
      if (name === 'SHUTDOWN') reason = data['reason'];
    });
    // The monitor's stream has ended by then, so that all it said was heard.
    this.exited = supervised.exited.then((exit) => {
      socket?.close();
      return typeof reason === 'string' ? { ...exit, reason } : exit;
    });
  }

  async shutdown(grace: number): Promise<void> {
    const ended = this.exited.then(() => undefined);
    this.#ask('system_powerdown', grace);
    await withinTime(ended, grace);
    this.#ask('quit', quitTime);
    await withinTime(ended, quitTime);
    this.kill();
    await ended;
  }

  write(text: string): void {
    this.#process.write(text);
  }

  async saveState(file: string): Promise<void> {
    if (!this.#socket) throw new TypeError('a machine without a socket for its state');
    try {
      await saveTo(this.qmp, this.#socket, file);
    } catch (error) {
      throw this.#failed('VMM_SAVE', 'saved', error);
    }
  }

  async replaceDisks(disks: readonly Disk[]): Promise<void> {
    try {
      await makeOverlays(disks);
      await exchangeDisks(this.qmp, disks, ++this.#exchanges);
    } catch (error) {
      throw this.#failed('VMM_EXCHANGE', 'given other disks to', error);
    }
  }

  async insert(image: string): Promise<void> {
    try {
      await changeMedium(this.qmp, image);
    } catch (error) {
      throw this.#failed('VMM_INSERT', 'given a CD to', error);
    }
  }

  async plug(image: string): Promise<void> {
    try {
      await plugDisk(this.qmp, image);
    } catch (error) {
      throw this.#failed('VMM_INSERT', 'plugged a disk into', error);
    }
  }

  async unplug(): Promise<void> {
    try {
      await unplugDisk(this.qmp);
    } catch (error) {
      throw this.#failed('VMM_INSERT', 'unplugged a disk from', error);
    }
  }

  /**
   * Has a QEMU that was started with `-incoming defer` go on from a state; ends it where it does not.
   *
   * @param descriptor its descriptor of the file
   * @throws GvaError VMM_RESUME
   */
  async resume(
    descriptor: number,
    { checkpoint = false, greeting }: Pick<DeviceState, 'checkpoint' | 'greeting'>,
  ): Promise<void> {
    const greet = () => {
      if (greeting) this.write(greeting());
    };
    try {
      await resumeFrom(this.qmp, descriptor, checkpoint ? greet : undefined);
    } catch (error) {
      this.kill();
      const { stderr } = await this.exited;
      const said = stderr.trim().split('\n').slice(-2).join('; ');
      throw this.#failed('VMM_RESUME', 'resumed', said === '' ? error : new Error(said));
    }
  }

  #failed(code: string, what: string, cause: unknown): GvaError {
    const message = `QEMU has not ${what} the machine: ${messageOf(cause)}`;
    return new GvaError(code, message, { exitCode: ExitCode.infrastructure, cause });
  }

  quit(): void {
    this.#ask('quit', quitTime);
  }

  /** A QEMU that does not listen, or is gone, makes no difference. */
  #ask(command: string, timeout: number): void {
    this.qmp.execute(command, {}, { timeout }).catch(() => undefined);
  }

  kill(): void {
    this.#process.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]() as Promise<void>;
  }
}

/** Milliseconds; QEMU writes its caches and goes. */
const quitTime = 2000;

/** Waits for the promise, at most so many milliseconds. */
async function withinTime(promise: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([promise, time]);
  clearTimeout(timer);
}
