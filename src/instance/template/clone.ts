import { truncate } from 'node:fs/promises';
import type { GuestEvent } from '../../model/guest-event.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import type { MachineSpec, VirtualMachine, VmmDriver } from '../../vmm/driver.js';
import { TimeLimit } from '../../vmm/time-limit.js';
import type { Template } from './cache.js';
import { EventFeed } from './event-feed.js';
import { type MachineShape, isMounted } from './shape.js';
import { type WakeIdentity, newIdentity, notAwake, wakeDevices, wakeLine } from './wake.js';

/** Milliseconds; what takes 50 ms on a quiet host takes a second on a busy one. */
const wakeLimit = 20_000;

/**
 * An instance's machine as a clone of the template: other disks in the places of the template's, as large as those, and
 * overlays of those that the template has mounted. The parameter CD is made longer for that.
 *
 * @param staged the machine as it would be started cold
 */
export async function cloneSpec(
  staged: MachineSpec,
  shape: MachineShape,
  template: Template,
): Promise<MachineSpec> {
  const sizes = new Map(shape.disks.map(({ id, size }) => [id, size]));
  const disks = staged.disks.map((disk) => {
    const size = sizes.get(disk.id);
    if (size === undefined || size < disk.size) throw unfit(`the disk ${disk.id} has no place in it`);
    if (!isMounted(disk.id, shape)) return { ...disk, size };
    const image = template[disk.id];
    if (image === undefined) throw unfit(`it has no disk ${disk.id}`);
    return { ...disk, image, backing: disk.image, size };
  });
  for (const { id, image, size } of disks) if (id === 'cdrom') await truncate(image, size);
  if (disks.length !== shape.disks.length) throw unfit('it has other disks');
  return {
    ...{ ...staged, disks, generationId: true },
    memoryFile: { file: template.memory, shared: false },
    incoming: { state: template.state },
  };
}

const unfit = (problem: string) =>
  new GvaError('TEMPLATE_UNFIT', `the template does not fit: ${problem}`, {
    exitCode: ExitCode.infrastructure,
  });

export interface Clone {
  readonly machine: VirtualMachine;
  /** What it says, from its waking on. */
  readonly lines: AsyncIterable<string>;
}

/**
 * Starts a clone and wakes it. It is given back when it has confirmed that it is a machine of its own. When the signal comes first, it is given back killed.
 *
 * @throws GvaError VMM_RESUME, WAKE; nothing of the machine is left then
 */
export async function startClone(
  driver: VmmDriver,
  spec: MachineSpec,
  signal: AbortSignal,
  limit = wakeLimit,
): Promise<Clone> {
  const machine = await driver.start(spec);
  return wakeMachine(machine, new EventFeed(machine.lines), spec, signal, limit);
}

/**
 * Wakes a guest that waits for it, as `startClone` does.
 *
 * @param feed what the machine says
 * @throws GvaError WAKE; nothing of the machine is left then
 */
export async function wakeMachine(
  machine: VirtualMachine,
  feed: EventFeed,
  spec: Pick<MachineSpec, 'id' | 'disks'>,
  signal: AbortSignal,
  limit = wakeLimit,
): Promise<Clone> {
  const identity = newIdentity(spec.id);
  const problem = await wake(machine, feed, identity, { spec, signal, limit });
  if (problem === undefined || signal.aborted) return { machine, lines: feed.fromLast() };
  await machine[Symbol.asyncDispose]();
  throw new GvaError('WAKE', `the clone was not used: ${problem}`, { exitCode: ExitCode.infrastructure });
}

/** Why it cannot be used; undefined where it can. */
async function wake(
  machine: VirtualMachine,
  feed: EventFeed,
  identity: WakeIdentity,
  { spec, signal, limit }: { spec: Pick<MachineSpec, 'disks'>; signal: AbortSignal; limit: number },
): Promise<string | undefined> {
  using time = new TimeLimit(machine, limit, signal);
  machine.write?.(wakeLine(identity, wakeDevices(spec.disks), Date.now()));
  let event: GuestEvent | undefined;
  do event = await feed.next();
  while (
    // What the template had said when it was saved may still be on its way.
    event &&
    event.name !== 'wake'
  );
  if (event) return notAwake(event, identity);
  if (time.over) return `it has not answered within ${limit / 1000} s`;
  const { status, stderr } = await machine.exited;
  return `it ended with status ${status} before it answered${stderr.trim() && `: ${stderr.trim()}`}`;
}
