import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ApplianceFolder } from '../appliance/load.js';
import { loadAppliance } from '../appliance/load.js';
import { packageBase } from '../appliance/package/base.js';
import { openAppliancePackage } from '../appliance/package/open.js';
import type { AppliancePackage, ApplianceSource } from '../appliance/source.js';
import { unpackAppliance } from '../appliance/unpack.js';
import type { Base } from '../base/store.js';
import { type BaseChoice, wantedBase } from '../base/wanted.js';
import { GvaError } from '../system/errors.js';
import { applianceFiles, scratchFiles } from '../system/paths.js';
import { type PreparedAppliance, prepareAppliance } from './prepare.js';
import { createScratch } from './scratch.js';

/**
 * An appliance that gets its data disk with each instance (`withData()`): its guest waits for one. Of a package of GVA's,
 * the folder is made again for that, since its application disk says which media the guest expects.
 *
 * @throws GvaError GATHER_APPLIANCE where it has a data disk of its own, or is a package of another maker's; BASE_MISSING
 */
export async function prepareForData(
  source: ApplianceSource,
  choice: BaseChoice,
  signal: AbortSignal,
): Promise<PreparedAppliance> {
  if (source.kind === 'folder') return prepareFolder(source, await wantedBase(source.appliance.base, choice));
  await using pkg = await openAppliancePackage(source.path, { ...source.options, signal });
  if (!pkg.isGva)
    throw new GvaError('GATHER_APPLIANCE', `${source.path} was not packed by GVA: it takes no data disk`, {
      hint: 'Name an appliance folder, or a package that gva pack has made.',
    });
  await using scratch = await createScratch();
  const folder = await unpacked(source, join(scratch.folder, scratchFiles.appliance), signal);
  return await prepareFolder(folder, await packageBase(pkg, signal));
}

async function unpacked(
  { path, appliance }: AppliancePackage,
  target: string,
  signal: AbortSignal,
): Promise<ApplianceFolder> {
  await unpackAppliance(path, target, signal);
  const source = await loadAppliance(target);
  // That of the deployment option that was chosen.
  return { ...source, appliance: { ...source.appliance, hardware: appliance.hardware } };
}

function prepareFolder(source: ApplianceFolder, base: Base): Promise<PreparedAppliance> {
  if (existsSync(join(source.folder, applianceFiles.data)))
    throw new GvaError(
      'GATHER_APPLIANCE',
      `${source.appliance.name} has a data disk of its own; that of a gathering appliance has the outputs`,
      { hint: `What it brings along can be in its folder ${applianceFiles.app}/.` },
    );
  return prepareAppliance(source, base, { expectsData: true });
}

/** The same appliance with this image as its data disk, which is not written to. */
export function withData(
  prepared: PreparedAppliance,
  data: { readonly file: string; readonly size: number },
): PreparedAppliance {
  const { machine } = prepared;
  if (machine.kind !== 'contract') throw new Error('only a guest that keeps the contract has a data disk');
  return { ...prepared, machine: { ...machine, data } };
}
