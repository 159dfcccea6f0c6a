import { readdir, stat } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Appliance, normalOption } from '../model/appliance.js';
import { GvaError } from '../system/errors.js';
import { applianceFiles } from '../system/paths.js';
import type { PackageLimits } from '../ovf/package/limits.js';
import { type ApplianceFolder, loadAppliance } from './load.js';

/** A package, as it was when it was looked at; what is taken from it later is checked again. */
export interface AppliancePackage {
  readonly kind: 'package';
  readonly appliance: Appliance;
  /** Absolute. */
  readonly path: string;
  /** One that GVA packed. */
  readonly isGva: boolean;
  readonly options: SourceOptions;
}

/** What can be run: a folder with a gva.yaml, or a package. */
export type ApplianceSource = ApplianceFolder | AppliancePackage;

/** The folder or package itself; absolute. */
export const sourcePlace = (source: ApplianceSource): string =>
  source.kind === 'folder' ? source.folder : source.path;

export interface SourceOptions {
  /** Id of a deployment option; the default one where absent. */
  readonly configuration?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What a package may ask for at most. */
  readonly limits?: Partial<PackageLimits>;
}

/** Reads an appliance folder or a package: an `.ova`, an `.ovf`, or a folder with one `.ovf`. */
export async function loadSource(path: string, options: SourceOptions = {}): Promise<ApplianceSource> {
  if (!(await isPackage(path))) return chosenHardware(await loadAppliance(path), options);
  const { openAppliancePackage } = await import('./package/open.js');
  await using pkg = await openAppliancePackage(resolve(path), options);
  const { appliance, isGva } = pkg;
  return { kind: 'package', appliance, path: resolve(path), isGva, options };
}

async function isPackage(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isFile()) return true;
  if (!info?.isDirectory() || existsSync(join(path, applianceFiles.manifest))) return false;
  return (await readdir(path)).some((name) => /\.ovf$/i.test(name));
}

/** The folder's appliance with the hardware of one of its deployment options. */
function chosenHardware(source: ApplianceFolder, { configuration }: SourceOptions): ApplianceFolder {
  if (configuration === undefined || configuration === normalOption) return source;
  const { appliance } = source;
  const options = appliance.deploymentOptions ?? [];
  const option = options.find(({ id }) => id === configuration);
  if (!option)
    throw new GvaError('OPTION_UNKNOWN', `${appliance.name} has no deployment option ${configuration}`, {
      hint: `It has: ${[normalOption, ...options.map(({ id }) => id)].join(', ')}`,
    });
  const { cpus, memory } = option;
  return { ...source, appliance: { ...appliance, hardware: { cpus, memory } } };
}
