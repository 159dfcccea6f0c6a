import type { ApplianceFolder } from '../appliance/load.js';
import { loadBase } from '../base/store.js';
import { type PreparedAppliance, prepareAppliance } from '../instance/prepare.js';
import { type ChosenVmm, chooseVmm } from '../vmm/choose.js';
import type { InstanceOptions } from './instance-options.js';
import { vmmDrivers } from './vmms.js';

/** All that instances of an appliance share: its base and images, and the VMM that will run them. */
export async function openAppliance(
  source: ApplianceFolder,
  options: Pick<InstanceOptions, 'vmm' | 'qemu'>,
): Promise<{ prepared: PreparedAppliance; vmm: ChosenVmm }> {
  const base = await loadBase(source.appliance.base);
  const [prepared, vmm] = await Promise.all([
    prepareAppliance(source, base),
    chooseVmm(options.vmm, vmmDrivers(base, options.qemu), source.appliance.hardware.cpus),
  ]);
  return { prepared, vmm };
}
