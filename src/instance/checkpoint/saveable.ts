import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bootsDirectly } from '../../model/base.js';
import { scratchFiles } from '../../system/paths.js';
import type { MachineSpec, VmmDriver } from '../../vmm/driver.js';
import type { InstanceSpec } from '../instance-spec.js';

/** Bytes of a socket's name, at most (unix(7)). */
const longestSocket = 107;

/** Why no checkpoints of an instance can be taken: a clause; undefined where they can. */
export function noCheckpoints(
  {
    prepared,
    keepDisks,
    channel,
    qemuAgent,
  }: Pick<InstanceSpec, 'prepared' | 'keepDisks' | 'channel' | 'qemuAgent'>,
  { name, capabilities }: Pick<VmmDriver, 'name' | 'capabilities'>,
): string | undefined {
  if (!capabilities.checkpoints) return `${name} cannot save a running machine`;
  if (prepared.machine.kind === 'plain') return "it is a machine of somebody else's";
  if (!bootsDirectly(prepared.machine.base)) return 'firmware boots its base';
  if (channel) return 'it has a control channel';
  if (qemuAgent) return 'it has a port for the QEMU guest agent';
  if (prepared.appliance.paramsOn === 'network') return 'its parameters come by network';
  // They would not be those that the guest began with, but layers of them.
  return keepDisks ? 'its disks are to be kept' : undefined;
}

/**
 * The machine as one that checkpoints can be taken of; as it is where the name of its folder is too long for that.
 *
 * @param scratch the folder of its disks
 */
export async function saveable(spec: MachineSpec, scratch: string): Promise<MachineSpec> {
  const saveSocket = join(scratch, scratchFiles.saveSocket);
  if (Buffer.byteLength(saveSocket) > longestSocket) return spec;
  const disks = spec.disks.map(async (disk) => {
    if (disk.access === 'read-only') return disk;
    const layers = [0, 1].map((turn) => join(scratch, scratchFiles.layer(disk.id, turn)));
    for (const file of layers) await writeFile(file, '', { flag: 'wx', mode: 0o600 });
    return { ...disk, layers: layers as [string, string] };
  });
  return { ...spec, disks: await Promise.all(disks), saveSocket, generationId: true };
}
