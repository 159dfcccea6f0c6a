import { cp, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { bootsDirectly } from '../../model/base.js';
import type { GuestEvent } from '../../model/guest-event.js';
import { GvaError } from '../../system/errors.js';
import { resultFiles, scratchFiles } from '../../system/paths.js';
import type { VirtualMachine, VmmDriver } from '../../vmm/driver.js';
import { entriesOf } from '../parameter-disc.js';
import type { InstanceSpec } from '../instance-spec.js';
import { GuestFiles } from './guest-files.js';
import { GuestService } from './guest-service.js';
import { PostedFiles } from './posted-files.js';

/**
 * Of an instance whose parameters come by network.
 *
 * @throws GvaError PARAMS_NETWORK where its guest cannot have them so
 */
export function checkService(
  { prepared: { machine } }: InstanceSpec,
  { name, capabilities }: Pick<VmmDriver, 'name' | 'capabilities'>,
): void {
  const refuse = (why: string, hint: string) =>
    new GvaError('PARAMS_NETWORK', `parameters cannot come by network: ${why}`, { hint });
  if (!capabilities.service)
    throw refuse(
      `${name} has no network that is closed to everything else`,
      'Use --vmm qemu, or --params-on cd.',
    );
  if (machine.kind === 'plain')
    throw refuse("it is a machine of somebody else's", 'Leave out --params-on network.');
  if (!bootsDirectly(machine.base) || machine.base.wake !== true)
    throw refuse(
      `guests of the base image ${machine.base.name} cannot be told of it`,
      'Use a base for x86_64 that boots directly, or --params-on cd.',
    );
}

/**
 * Serves a guest until its machine has ended; undefined where it has no such line.
 *
 * @param scratch folder of the instance's files
 * @param onEvent told of what the guest posts as events
 */
export function beginService(
  { id, prepared, parameters, files, keepRunning }: InstanceSpec,
  { service }: VirtualMachine,
  scratch: string,
  onEvent: (event: GuestEvent) => void,
): GuestService | undefined {
  if (!service) return undefined;
  const content = { id, parameters, files, ...(keepRunning === undefined ? {} : { keepRunning }) };
  const given = new GuestFiles(
    entriesOf(content, prepared.machine.kind),
    new Map(files.map(({ name, sha256 }) => [name, sha256])),
  );
  const posted = new PostedFiles(join(scratch, scratchFiles.posted), prepared.appliance.output.size);
  const begun = new GuestService(service, given, posted, onEvent);
  void begun.serve();
  return begun;
}

/** Puts what the guest has posted beside its results. */
export async function bringPosted(scratch: string, folder: string): Promise<void> {
  const source = join(scratch, scratchFiles.posted);
  if (!(await stat(source).catch(() => undefined))) return;
  // A file whose sending was cut off by the guest's end has a name of a kind that none in whole has.
  const filter = (path: string) => !basename(path).startsWith('.');
  await cp(source, join(folder, resultFiles.posted), { recursive: true, filter });
}
