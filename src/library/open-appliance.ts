import type { ApplianceSource } from '../appliance/source.js';
import type { Base } from '../base/store.js';
import { type BaseChoice, wantedBase } from '../base/wanted.js';
import { chooseByHistory } from '../instance/history/choose-by-history.js';
import { type PreparedAppliance, prepareAppliance } from '../instance/prepare.js';
import type { ChosenVmm } from '../vmm/choose.js';
import type { ParameterMedium } from '../model/appliance.js';
import type { StartChoice } from '../model/start.js';
import type { VmmDriver } from '../vmm/driver.js';
import { chooseForBase, vmmDrivers } from './vmms.js';

/** What instances share, wherever they are run. */
export async function prepareSource(source: ApplianceSource, choice: BaseChoice): Promise<PreparedAppliance> {
  if (source.kind === 'folder')
    return prepareAppliance(source, await wantedBase(source.appliance.base, choice));
  const { preparePackage } = await import('../instance/prepare-package.js');
  return preparePackage(source);
}

/** What is wished of the VMM. */
export interface OpenWish {
  readonly vmm: string;
  /** Folder of a QEMU of the user's own. */
  readonly qemu?: string | undefined;
  readonly start: StartChoice;
  /** The machine is to have a port for the QEMU guest agent. */
  readonly qemuAgent?: boolean;
  /** Anything: there are to be checkpoints. */
  readonly checkpointEvery?: unknown;
}

interface ParamsWish {
  /** Of another kind than the appliance says. */
  readonly paramsOn?: ParameterMedium | undefined;
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
  options: OpenWish & ParamsWish,
  baseChoice: BaseChoice,
  instances: number,
): Promise<OpenedAppliance> {
  const { prepared, vmm } = await open(source, options, baseChoice, instances);
  return { prepared: withParamsOn(prepared, options), vmm };
}

/** The appliance with what is wished of its parameters. */
export function withParamsOn(prepared: PreparedAppliance, { paramsOn }: ParamsWish): PreparedAppliance {
  return paramsOn === undefined ? prepared : { ...prepared, appliance: { ...prepared.appliance, paramsOn } };
}

async function open(
  source: ApplianceSource,
  options: OpenWish & ParamsWish,
  baseChoice: BaseChoice,
  instances: number,
): Promise<OpenedAppliance> {
  const { cpus } = source.appliance.hardware;
  const paramsOn = options.paramsOn ?? source.appliance.paramsOn;
  const drivers = (all: ReadonlyMap<string, VmmDriver>) =>
    options.vmm === 'auto' ? able(all, { ...options, paramsOn }) : all;
  const choose = (base: Base | undefined) => chooseForBase(base, { ...options, cpus, drivers });
  const weighed = (prepared: PreparedAppliance, base: Base | undefined, chosen: ChosenVmm) => {
    if (options.vmm !== 'auto' || !base) return chosen;
    const wish = {
      chosen,
      drivers: drivers(vmmDrivers(base, options.qemu)),
      start: options.start,
      instances,
    };
    return chooseByHistory(prepared, wish);
  };
  if (source.kind === 'folder') {
    const base = await wantedBase(source.appliance.base, baseChoice);
    const [prepared, vmm] = await Promise.all([prepareAppliance(source, base), choose(base)]);
    return { prepared, vmm: await weighed(prepared, base, vmm) };
  }
  const prepared = await prepareSource(source, baseChoice);
  const { machine } = prepared;
  const base = machine.kind === 'contract' ? machine.base : undefined;
  return { prepared, vmm: await weighed(prepared, base, await choose(base)) };
}

/** Who insists on a warm start, or wants checkpoints or a service by network, leaves those that know none out of the choice. */
function able(
  drivers: ReadonlyMap<string, VmmDriver>,
  { start, checkpointEvery, qemuAgent, paramsOn }: Omit<OpenWish, 'vmm' | 'qemu'> & ParamsWish,
): ReadonlyMap<string, VmmDriver> {
  const fit = [...drivers].filter(
    ([, { capabilities }]) =>
      (start !== 'warm' || capabilities.templates) &&
      (checkpointEvery === undefined || capabilities.checkpoints) &&
      (!qemuAgent || capabilities.qemuAgent) &&
      (paramsOn !== 'network' || capabilities.service),
  );
  return new Map(fit);
}
