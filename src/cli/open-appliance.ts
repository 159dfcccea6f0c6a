import type { ApplianceSource } from '../appliance/source.js';
import { type Base, findBase } from '../base/store.js';
import { type BaseChoice, wantedBase } from '../base/wanted.js';
import { type PreparedAppliance, prepareAppliance } from '../instance/prepare.js';
import { type ChosenVmm, chooseVmm } from '../vmm/choose.js';
import type { InstanceOptions } from './instance-options.js';
import { vmmDrivers } from './vmms.js';

/** What instances share, wherever they are run. */
export async function prepareSource(source: ApplianceSource, choice: BaseChoice): Promise<PreparedAppliance> {
  if (source.kind === 'folder')
    return prepareAppliance(source, await wantedBase(source.appliance.base, choice));
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
  options: Pick<InstanceOptions, 'vmm' | 'qemu' | 'start'>,
  baseChoice: BaseChoice,
): Promise<OpenedAppliance> {
  const { cpus } = source.appliance.hardware;
  const choose = (base: Base | undefined, boot: 'direct' | 'firmware') => {
    const drivers = vmmDrivers(base, options.qemu);
    // Who insists on a warm start leaves those that know none out of the choice.
    const able = [...drivers].filter(([, { capabilities }]) => capabilities.templates);
    const auto = options.vmm === 'auto' && options.start === 'warm';
    return chooseVmm(options.vmm, auto ? new Map(able) : drivers, cpus, boot);
  };
  if (source.kind === 'folder') {
    const base = await wantedBase(source.appliance.base, baseChoice);
    const [prepared, vmm] = await Promise.all([prepareAppliance(source, base), choose(base, 'direct')]);
    return { prepared, vmm };
  }
  const prepared = await prepareSource(source, baseChoice);
  const { machine } = prepared;
  if (machine.kind === 'contract') return { prepared, vmm: await choose(machine.base, 'direct') };
  // Any kernel of ours tells whether KVM works; without one there is emulation.
  return { prepared, vmm: await choose(await findBase('micro').catch(() => undefined), 'firmware') };
}
