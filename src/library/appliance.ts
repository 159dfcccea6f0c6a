import { type ApplianceSource, loadSource, sourcePlace } from '../appliance/source.js';
import type { Appliance } from '../model/appliance.js';

/** An appliance that was read and checked: what its `gva.yaml`, or its package, says, and where it is. */
export interface LoadedAppliance extends Appliance {
  /** Of the folder or package; absolute. */
  readonly path: string;
  readonly kind: 'folder' | 'package';
  /** The deployment option that was chosen; absent where the normal hardware was. */
  readonly deploymentOption?: string;
}

export interface LoadOptions {
  /** Id of a deployment option of the appliance; its normal hardware where absent. */
  readonly deploymentOption?: string;
  readonly signal?: AbortSignal;
}

/**
 * Reads an appliance: a folder with a `gva.yaml`, or a package (`.ova`, `.ovf`). Nothing is run.
 *
 * @throws GvaError APPLIANCE_MISSING, APPLIANCE_INVALID, PACKAGE_REFUSED, OPTION_UNKNOWN
 */
export async function loadAppliance(
  path: string,
  { deploymentOption, signal }: LoadOptions = {},
): Promise<LoadedAppliance> {
  signal?.throwIfAborted();
  const source = await loadSource(path, { configuration: deploymentOption, signal });
  return {
    ...described(source),
    ...{ path: sourcePlace(source), kind: source.kind },
    ...(deploymentOption === undefined ? {} : { deploymentOption }),
  };
}

/** What those who run an appliance see of it; the command lines of a folder are its own affair. */
function described({ appliance }: ApplianceSource): Appliance {
  const { name, version, base, hardware, parameters, output, description } = appliance;
  const { vendor, url, eula, warm, deploymentOptions } = appliance;
  const optional = { description, vendor, url, eula, warm, deploymentOptions };
  const given = Object.entries(optional).filter(([, value]) => value !== undefined);
  return {
    ...{ name, version, base, hardware, parameters, output },
    ...(Object.fromEntries(given) as Partial<Appliance>),
  };
}

/** @internal It is read again: an appliance may have changed since it was loaded. */
export function sourceOf(appliance: string | LoadedAppliance, signal: AbortSignal): Promise<ApplianceSource> {
  if (typeof appliance === 'string') return loadSource(appliance, { signal });
  return loadSource(appliance.path, { configuration: appliance.deploymentOption, signal });
}
