import type { ApplianceSource } from '../appliance/source.js';
import { type Base, findBase, loadBase } from '../base/store.js';
import { chooseByHistory } from '../instance/history/choose-by-history.js';
import { type PreparedAppliance, prepareAppliance } from '../instance/prepare.js';
import { type ChosenVmm, chooseVmm } from '../vmm/choose.js';
import type { InstanceOptions } from './instance-options.js';
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

/**
 * All that instances of an appliance share: its base and images, and the VMM that will run them.
 *
 * @param instances that are to be run now
 */
export async function openAppliance(
  source: ApplianceSource,
  options: Pick<InstanceOptions, 'vmm' | 'qemu' | 'start'>,
  instances: number,
): Promise<OpenedAppliance> {
  const { cpus } = source.appliance.hardware;
  const choose = (base: Base | undefined, boot: 'direct' | 'firmware') => {
    const drivers = vmmDrivers(base, options.qemu);
    // Who insists on a warm start leaves those that know none out of the choice.
    const able = [...drivers].filter(([, { capabilities }]) => capabilities.templates);
    const auto = options.vmm === 'auto' && options.start === 'warm';
    return chooseVmm(options.vmm, auto ? new Map(able) : drivers, cpus, boot);
  };
  const weighed = (prepared: PreparedAppliance, base: Base, chosen: ChosenVmm) => {
    if (options.vmm !== 'auto') return chosen;
    const drivers = vmmDrivers(base, options.qemu);
    return chooseByHistory(prepared, { chosen, drivers, start: options.start, instances });
  };
  if (source.kind === 'folder') {
    const base = await loadBase(source.appliance.base);
    const [prepared, vmm] = await Promise.all([prepareAppliance(source, base), choose(base, 'direct')]);
    return { prepared, vmm: await weighed(prepared, base, vmm) };
  }
  const prepared = await prepareSource(source);
  const { machine } = prepared;
  if (machine.kind === 'contract') {
    const vmm = await choose(machine.base, 'direct');
    return { prepared, vmm: await weighed(prepared, machine.base, vmm) };
  }
  // Any kernel of ours tells whether KVM works; without one there is emulation.
  return { prepared, vmm: await choose(await findBase('micro').catch(() => undefined), 'firmware') };
}
