import type { GuestChannel } from '../../channel/guest-channel.js';
import type { GuestCommand } from '../../channel/command.js';
import type { QemuAgentChannel } from '../../channel/qemu-agent/channel.js';
import { GvaError } from '../../system/errors.js';
import type { VirtualMachine } from '../../vmm/driver.js';
import type { AgentOrder } from './protocol.js';

/** Milliseconds that a guest has to answer; one that boots under emulation takes its time. */
const answerTime = 20_000;

/** Commands in the guest of one machine, by whatever line it has; nothing is opened before it is needed. */
export class GuestCommands {
  readonly #machine: VirtualMachine;
  readonly #id: string;
  #channel: Promise<GuestChannel | QemuAgentChannel> | undefined;

  /** @param id of its instance, for people */
  constructor(machine: VirtualMachine, id: string) {
    [this.#machine, this.#id] = [machine, id];
  }

  /** By the QEMU guest agent, and not by GVAD's. */
  get byQemuAgent(): boolean {
    return this.#machine.qemuAgent !== undefined;
  }

  /** @throws GvaError CHANNEL_NONE, CHANNEL, CHANNEL_BUSY, CHANNEL_EXEC */
  async exec(words: readonly string[]): Promise<GuestCommand> {
    return (await this.#opened()).exec(words);
  }

  /** @throws GvaError CHANNEL_NONE, CHANNEL, CHANNEL_REFUSED */
  async tellAgent(order: AgentOrder): Promise<void> {
    const channel = await this.#opened();
    if (!('setTime' in channel))
      throw new GvaError('CHANNEL_NONE', `the guest of ${this.#id} has no port for the QEMU guest agent`, {
        hint: 'Start it with one: gva run --qemu-agent',
      });
    await (order === 'set-time' ? channel.setTime(Date.now()) : channel.shutdown());
  }

  #opened(): Promise<GuestChannel | QemuAgentChannel> {
    this.#channel ??= open(this.#machine, this.#id).catch((error: unknown) => {
      this.#channel = undefined;
      throw error;
    });
    return this.#channel;
  }
}

/** Few instances are ever spoken to: what speaks is loaded then. */
async function open(
  { channel, qemuAgent }: VirtualMachine,
  id: string,
): Promise<GuestChannel | QemuAgentChannel> {
  if (qemuAgent) {
    const { QemuAgentChannel } = await import('../../channel/qemu-agent/channel.js');
    return QemuAgentChannel.open(qemuAgent, answerTime);
  }
  if (!channel)
    throw new GvaError('CHANNEL_NONE', `the guest of ${id} has no control channel`, {
      hint: 'Start it with one: gva run --channel; on a base for x86_64 that is booted directly.',
    });
  const { GuestChannel } = await import('../../channel/guest-channel.js');
  const { paces } = await import('../../channel/link.js');
  return GuestChannel.open(channel.port, paces[channel.kind], answerTime);
}
