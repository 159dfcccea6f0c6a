import { GvaError } from '../../system/errors.js';
import type { ChosenVmm } from '../../vmm/choose.js';
import type { MachineSpec, VirtualMachine } from '../../vmm/driver.js';
import type { Saving } from '../checkpoint/saving.js';
import type { InstanceClock } from '../clock.js';
import type { GuestNews } from '../insert/guest-news.js';
import type { Insertions } from '../insert/insertions.js';
import type { InstanceSpec } from '../instance-spec.js';
import type { Snapshots } from '../snapshot.js';
import type { GuestCommands } from './guest-commands.js';
import type { Controlled } from './server.js';

interface Parts {
  readonly clock: InstanceClock;
  readonly saving: Saving | undefined;
  readonly machine: VirtualMachine;
  readonly machineSpec: MachineSpec;
  readonly news: GuestNews;
  readonly commands: GuestCommands;
  readonly snapshots: Snapshots;
}

/** Bytes of a console that are told: as JSON they may be six times as long, and a line has its limit. */
const consoleBytes = 8 << 10;

/** A running instance as others address it. */
export function controlled(
  { id, prepared }: InstanceSpec,
  { driver }: ChosenVmm,
  { clock, saving, machine, machineSpec, news, commands, snapshots }: Parts,
): Controlled {
  let insertions: Promise<Insertions> | undefined;
  return {
    describe: () => ({
      ...{ id, appliance: prepared.appliance.name, vmm: driver.name, startedAt: clock.startedAt },
      ...{ state: clock.stage, lastCheckpoint: saving?.last?.takenAt ?? null },
      ...(commands.byQemuAgent ? { agent: 'qemu' as const } : {}),
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
    snapshot: (out) => snapshots.take(out),
    tellAgent: (order) => commands.tellAgent(order),
    exec: (words) => commands.exec(words),
  };
}
