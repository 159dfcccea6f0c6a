import type { Envelope, HardwareItem, VirtualHardware, VirtualSystem } from '../../model/envelope.js';
import { GvaError } from '../../system/errors.js';
import { quoted } from '../descriptor/text.js';

/** System types whose devices GVA knows best. */
const PREFERRED = /^(vmx-|virtualbox-|gva|kvm|qemu)/i;

/** A system may be described for several hypervisors: the section for one that is known, else the first. */
export function chooseHardware({ hardware }: VirtualSystem): VirtualHardware | undefined {
  return hardware.find(({ systemTypes }) => systemTypes.some((type) => PREFERRED.test(type))) ?? hardware[0];
}

/**
 * Id of the configuration that is meant: the one asked for, else the default; undefined where there are none.
 *
 * @throws GvaError OVF_CONFIGURATION where there is none of that name
 */
export function chooseConfiguration(
  { configurations }: Pick<Envelope, 'configurations'>,
  asked: string | undefined,
): string | undefined {
  if (asked === undefined) return configurations.find(({ isDefault }) => isDefault)?.id;
  if (configurations.some(({ id }) => id === asked)) return asked;
  const known = configurations.map(({ id }) => quoted(id)).join(', ');
  throw new GvaError('OVF_CONFIGURATION', `the package has no configuration ${quoted(asked)}`, {
    hint: known === '' ? 'it has none at all' : `it has ${known}`,
  });
}

/**
 * The items of a configuration, in their order. One that is for the configuration replaces one of the same
 * instance id that is for all (DSP0243 1.1.0, 9.8). Items that only bound values are left out.
 */
export function selectItems(
  items: readonly HardwareItem[],
  configuration: string | undefined,
): HardwareItem[] {
  const meant = items.filter(
    ({ bound, configurations }) =>
      bound === undefined &&
      (configurations.length === 0 || configurations.some((id) => id === configuration)),
  );
  const special = new Set(
    meant.filter(({ configurations }) => configurations.length > 0).map(({ instanceId }) => instanceId),
  );
  return meant.filter(
    ({ instanceId, configurations }) => configurations.length > 0 || !special.has(instanceId),
  );
}
