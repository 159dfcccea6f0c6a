import type { ApplianceSource } from '../appliance/source.js';
import { type Base, loadBase } from '../base/store.js';
import { type PreparedAppliance, prepareAppliance } from '../instance/prepare.js';
import type { ChosenVmm } from '../vmm/choose.js';
import type { InstanceOptions } from './instance-options.js';
import { type VmmWish, chooseForBase } from './vmms.js';

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
  options: Pick<InstanceOptions, 'vmm' | 'qemu' | 'start'>,
): Promise<OpenedAppliance> {
  const { cpus } = source.appliance.hardware;
  // Who insists on a warm start leaves those that know none out of the choice.
  const drivers: VmmWish['drivers'] = (all) =>
    options.vmm === 'auto' && options.start === 'warm'
      ? new Map([...all].filter(([, { capabilities }]) => capabilities.templates))
      : all;
  const choose = (base: Base | undefined) => chooseForBase(base, { ...options, cpus, drivers });
  if (source.kind === 'folder') {
    const base = await loadBase(source.appliance.base);
    const [prepared, vmm] = await Promise.all([prepareAppliance(source, base), choose(base)]);
    return { prepared, vmm };
  }
  const prepared = await prepareSource(source);
  const { machine } = prepared;
  return { prepared, vmm: await choose(machine.kind === 'contract' ? machine.base : undefined) };
}
