import type { ApplianceSource } from '../appliance/source.js';
import { type Base, findBase, loadBase } from '../base/store.js';
import { type PreparedAppliance, prepareAppliance } from '../instance/prepare.js';
import { type ChosenVmm, chooseVmm } from '../vmm/choose.js';
import type { InstanceOptions } from './instance-options.js';
import type { VmmDriver } from '../vmm/driver.js';
import { vmmDrivers } from './vmms.js';

/** What instances share, wherever they are run. */
export async function prepareSource(source: ApplianceSource): Promise<PreparedAppliance> {
  if (source.kind === 'folder') return prepareAppliance(source, await loadBase(source.appliance.base));
  const { preparePackage } = await import('../instance/prepare-package.js');
  return preparePackage(source);
}

export interface OpenedAppliance {
  readonly prepared: PreparedAppliance;
  readonly vmm: ChosenVmm;
}

/** All that instances of an appliance share: its base and images, and the VMM that will run them. */
export async function openAppliance(
  source: ApplianceSource,
  options: Pick<InstanceOptions, 'vmm' | 'qemu' | 'start' | 'checkpointEvery'>,
): Promise<OpenedAppliance> {
  const { cpus } = source.appliance.hardware;
  const choose = (base: Base | undefined, boot: 'direct' | 'firmware') => {
    const drivers = vmmDrivers(base, options.qemu);
    return chooseVmm(options.vmm, options.vmm === 'auto' ? able(drivers, options) : drivers, cpus, boot);
  };
  if (source.kind === 'folder') {
    const base = await loadBase(source.appliance.base);
    const [prepared, vmm] = await Promise.all([prepareAppliance(source, base), choose(base, 'direct')]);
    return { prepared, vmm };
  }
  const prepared = await prepareSource(source);
  const { machine } = prepared;
  if (machine.kind === 'contract') return { prepared, vmm: await choose(machine.base, 'direct') };
  // Any kernel of ours tells whether KVM works; without one there is emulation.
  return { prepared, vmm: await choose(await findBase('micro').catch(() => undefined), 'firmware') };
}

/** Who insists on a warm start, or wants checkpoints, leaves those that know none out of the choice. */
function able(
  drivers: ReadonlyMap<string, VmmDriver>,
  { start, checkpointEvery }: Pick<InstanceOptions, 'start' | 'checkpointEvery'>,
): ReadonlyMap<string, VmmDriver> {
  const fit = [...drivers].filter(
    ([, { capabilities }]) =>
      (start !== 'warm' || capabilities.templates) &&
      (checkpointEvery === undefined || capabilities.checkpoints),
  );
  return new Map(fit);
}
