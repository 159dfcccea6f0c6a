import type { Duplex } from 'node:stream';
import type { ConsoleRing } from '../console-ring.js';
import type { VirtualMachine, VmmExit } from '../driver.js';
import type { Supervised } from '../supervisor.js';
import { goOnWhenRoom } from './full-disk.js';
import { QmpClient } from './qmp.js';

/** A running QEMU and its monitor. */
export class QemuMachine implements VirtualMachine {
  readonly lines: AsyncIterable<string>;
  readonly console: ConsoleRing;
  readonly exited: Promise<VmmExit>;
  readonly qmp: QmpClient;
  readonly terminal: Duplex;
  readonly #process: Supervised;

  /**
   * @param supervised started with one socket: the monitor's
   * @param pause seconds that a machine is stopped whose disk has no room
   */
  constructor(supervised: Supervised, pause?: number) {
    const [monitor] = supervised.sockets;
    if (!monitor) throw new TypeError('a QEMU without a monitor');
    this.#process = supervised;
    this.lines = supervised.lines;
    this.console = supervised.console;
    this.terminal = supervised.consoleSocket;
    this.qmp = new QmpClient(monitor);
    goOnWhenRoom(this.qmp, pause);
    let reason: unknown;
    this.qmp.listen(({ name, data }) => {
      if (name === 'SHUTDOWN') reason = data['reason'];
    });
    // The monitor's stream has ended by then, so that all it said was heard.
    this.exited = supervised.exited.then((exit) => (typeof reason === 'string' ? { ...exit, reason } : exit));
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
