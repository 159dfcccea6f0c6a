import type { Duplex } from 'node:stream';
import { GvaError } from '../../system/errors.js';
import { type GuestCommand, commandBytes } from '../command.js';
import { QemuAgentClient } from './client.js';
import { AgentCommand } from './command.js';

/** Commands at the same time, at most. */
const mostCommands = 8;

/** Commands in a guest, by its QEMU guest agent. */
export class QemuAgentChannel {
  readonly #client: QemuAgentClient;
  #running = 0;

  /** @throws GvaError CHANNEL where the guest does not answer within so many milliseconds */
  static async open(port: Duplex, patience: number): Promise<QemuAgentChannel> {
    const client = new QemuAgentClient(port);
    await client.open(patience);
    return new QemuAgentChannel(client);
  }

  private constructor(client: QemuAgentClient) {
    this.#client = client;
  }

  /**
   * As `GuestChannel.exec`, but that the command starts when its input has ended.
   *
   * @throws GvaError CHANNEL_BUSY, CHANNEL_EXEC where the words are too long
   */
  exec(words: readonly string[]): GuestCommand {
    commandBytes(words);
    if (this.#running >= mostCommands)
      throw new GvaError('CHANNEL_BUSY', `${mostCommands} commands run in this guest already`, {
        hint: 'Wait until one has ended.',
      });
    this.#running++;
    const command = new AgentCommand(this.#client, words);
    const over = () => {
      this.#running--;
    };
    command.exited.then(over, over);
    return command;
  }

  /** @param time milliseconds since 1970, UTC. @throws GvaError CHANNEL, CHANNEL_REFUSED */
  async setTime(time: number): Promise<void> {
    // Nanoseconds, beyond what a number of JavaScript holds exactly: the last digits are zeros.
    await this.#client.call('guest-set-time', { time: time * 1e6 });
  }

  /** Asks the guest to power off. @throws GvaError CHANNEL */
  async shutdown(): Promise<void> {
    await this.#client.tell('guest-shutdown', { mode: 'powerdown' });
  }
}
