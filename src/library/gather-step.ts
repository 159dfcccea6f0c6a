import type { ApplianceSource } from '../appliance/source.js';
import { sourcePlace } from '../appliance/source.js';
import type { BaseChoice } from '../base/wanted.js';
import { prepareForData } from '../instance/prepare-for-data.js';
import type { WatchLimits } from '../instance/watch.js';
import type { GatherStep } from '../sweep/gather.js';
import { type GatherWish, checkGatherSource } from '../sweep/plan/read/outputs.js';
import { GvaError } from '../system/errors.js';
import { chooseForBase } from './vmms.js';

interface Options {
  readonly vmm: string;
  readonly qemu?: string | undefined;
  readonly keepDisks?: boolean | undefined;
}

interface How {
  readonly base: BaseChoice;
  readonly limits: WatchLimits;
  readonly signal: AbortSignal;
}

/** What a gather step needs to be run: of an appliance its disks, and the VMM. */
export async function openGatherStep(
  wish: GatherWish,
  options: Options,
  { base: choice, limits, signal }: How,
): Promise<GatherStep> {
  if (wish.kind === 'command') return wish;
  const { source } = wish;
  checkGatherer(source);
  const prepared = await prepareForData(source, choice, signal);
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
