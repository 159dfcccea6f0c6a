import type { ApplianceSource } from '../../appliance/source.js';
import { sourcePlace } from '../../appliance/source.js';
import { prepareForData } from '../../instance/prepare-for-data.js';
import type { WatchLimits } from '../../instance/watch.js';
import type { GatherStep } from '../../sweep/gather.js';
import { type GatherWish, checkGatherSource } from '../../sweep/plan/read/outputs.js';
import { GvaError } from '../../system/errors.js';
import type { InstanceOptions } from '../instance-options.js';
import { baseChoice } from '../base-choice.js';
import { chooseForBase } from '../vmms.js';

type Options = Pick<InstanceOptions, 'vmm' | 'qemu' | 'keepDisks' | 'choose' | 'json'>;

/** What a gather step needs to be run: of an appliance its disks, and the VMM. */
export async function openGatherStep(
  wish: GatherWish,
  options: Options,
  limits: WatchLimits,
  signal: AbortSignal,
): Promise<GatherStep> {
  if (wish.kind === 'command') return wish;
  const { source } = wish;
  checkGatherer(source);
  const prepared = await prepareForData(source, baseChoice(options, signal), signal);
  const base = prepared.machine.kind === 'contract' ? prepared.machine.base : undefined;
  const { cpus } = prepared.appliance.hardware;
  const vmm = await chooseForBase(base, { vmm: options.vmm, qemu: options.qemu, cpus });
  return {
    ...{ kind: 'appliance', place: sourcePlace(source), prepared, vmm, limits },
    keepDisks: options.keepDisks ?? false,
  };
}

function checkGatherer(source: ApplianceSource): void {
  checkGatherSource(source, (problem) => {
    throw new GvaError('GATHER_APPLIANCE', problem);
  });
}
