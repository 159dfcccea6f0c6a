import type { GuestChannel } from '../../channel/guest-channel.js';
import type { QemuAgentChannel } from '../../channel/qemu-agent/channel.js';
import { GvaError } from '../../system/errors.js';
import type { ChosenVmm } from '../../vmm/choose.js';
import type { MachineSpec, VirtualMachine } from '../../vmm/driver.js';
import type { Saving } from '../checkpoint/saving.js';
import type { InstanceClock } from '../clock.js';
import type { GuestNews } from '../insert/guest-news.js';
import type { Insertions } from '../insert/insertions.js';
import type { InstanceSpec } from '../run.js';
import type { Controlled } from './server.js';

interface Parts {
  readonly clock: InstanceClock;
  readonly saving: Saving | undefined;
  readonly machine: VirtualMachine;
  readonly machineSpec: MachineSpec;
  readonly news: GuestNews;
  /** Folder of its disks. */
  readonly scratch: string;
}

/** Milliseconds that a guest has to answer; one that boots under emulation takes its time. */
const answerTime = 20_000;

/** Bytes of a console that are told: as JSON they may be six times as long, and a line has its limit. */
const consoleBytes = 8 << 10;

/** A running instance as others address it. */
export function controlled(
  { id, prepared }: InstanceSpec,
  { driver }: ChosenVmm,
  { clock, saving, machine, machineSpec, news, scratch }: Parts,
): Controlled {
  let channel: Promise<GuestChannel> | undefined;
  let agent: Promise<QemuAgentChannel> | undefined;
  let insertions: Promise<Insertions> | undefined;
  const openedAgent = () =>
    (agent ??= openAgent(machine, id).catch((error: unknown) => {
      agent = undefined;
      throw error;
    }));
  const exec = async (words: readonly string[]) => {
    if (machine.qemuAgent) return (await openedAgent()).exec(words);
    channel ??= open(machine, id).catch((error: unknown) => {
      channel = undefined;
      throw error;
    });
    return (await channel).exec(words);
  };
  return {
    describe: () => ({
      ...{ id, appliance: prepared.appliance.name, vmm: driver.name, startedAt: clock.startedAt },
      ...{ state: clock.stage, lastCheckpoint: saving?.last?.takenAt ?? null },
      ...(machine.qemuAgent ? { agent: 'qemu' as const } : {}),
      ...(prepared.machine.kind === 'plain' ? { plain: true as const } : {}),
      progress: clock.progress,
    }),
    checkpoint: async (stop) => {
      if (saving) return await (stop ? saving.takeAndLeave() : saving.take());
      throw new GvaError('CHECKPOINTS_NONE', `${id} was not started so that it can be saved`, {
        hint: 'Start it under QEMU, and points of a sweep with --checkpoint-every.',
      });
    },
    console: () => machine.console.bytes().subarray(-consoleBytes).toString('utf8'),
    insert: async (source, by) => {
      insertions ??= import('../insert/insertions.js').then(
        ({ Insertions }) => new Insertions(machine, machineSpec, news),
      );
      return (await insertions).insert(source, by);
    },
    snapshot: async (out) => {
      if (machine.qemuAgent) throw noSnapshot();
      const { snapshotOutput } = await import('../snapshot.js');
      return snapshotOutput(prepared, machineSpec, { out, scratch }, exec);
    },
    tellAgent: async (order) => {
      const opened = await openedAgent();
      await (order === 'set-time' ? opened.setTime(Date.now()) : opened.shutdown());
    },
    exec,
  };
}

async function open({ channel }: VirtualMachine, id: string): Promise<GuestChannel> {
  if (!channel)
    throw new GvaError('CHANNEL_NONE', `the guest of ${id} has no control channel`, {
      hint: 'Start it with one: gva run --channel; on a base for x86_64 that is booted directly.',
    });
  // Few instances are ever spoken to.
  const { GuestChannel } = await import('../../channel/guest-channel.js');
  const { paces } = await import('../../channel/link.js');
  return GuestChannel.open(channel.port, paces[channel.kind], answerTime);
}

async function openAgent({ qemuAgent }: VirtualMachine, id: string): Promise<QemuAgentChannel> {
  if (!qemuAgent)
    throw new GvaError('CHANNEL_NONE', `the guest of ${id} has no port for the QEMU guest agent`, {
      hint: 'Start it with one: gva run --qemu-agent',
    });
  const { QemuAgentChannel } = await import('../../channel/qemu-agent/channel.js');
  return QemuAgentChannel.open(qemuAgent, answerTime);
}

const noSnapshot = () =>
  new GvaError('SNAPSHOT', 'the output cannot be brought home now: the QEMU guest agent does not hold it', {
    hint: 'Single files come by gva get.',
  });
