import { join } from 'node:path';
import { applianceImages, type CachedImage, type Packing } from '../appliance/images.js';
import type { ApplianceFolder } from '../appliance/load.js';
import { noteNeed } from '../base/needs.js';
import { checkImageProgram } from '../appliance/image-program.js';
import { checkProgramArchitecture } from '../appliance/program-architecture.js';
import type { Base } from '../base/store.js';
import { noteUse } from '../base/use.js';
import type { Appliance } from '../model/appliance.js';
import { applianceFiles } from '../system/paths.js';
import type { Boot, Hardware } from '../vmm/driver.js';

/** What instances of one appliance share; made once. */
export interface PreparedAppliance {
  readonly appliance: Appliance;
  /** SHA-256 of all that makes the appliance what it is, its base image excepted. */
  readonly digest: string;
  readonly base: Pick<Base, 'name' | 'digest'>;
  readonly machine: ContractMachine | PlainMachine;
}

/** A guest that keeps GVA's contract: GVAD tells how it goes, and `done` is its word. */
export interface ContractMachine {
  readonly kind: 'contract';
  readonly base: Base;
  readonly app: CachedImage;
  readonly data?: CachedImage;
  /** `app`: there is no output disk; the folder `output` of the application disk is brought home. */
  readonly outputOn: 'disk' | 'app';
}

/** Somebody else's virtual machine: it boots by firmware, and is done when it powers itself off. */
export interface PlainMachine {
  readonly kind: 'plain';
  /** In the order of booting. The `output` one, if there is any, is brought home. */
  readonly disks: readonly { readonly image: CachedImage; readonly role?: 'output' }[];
  readonly firmware: Extract<Boot, { kind: 'firmware' }>['firmware'];
  readonly hardware: Hardware;
}

/** @throws GvaError where a file cannot be packed, there is no program, or it is not for the base's processor */
export async function prepareAppliance(
  source: ApplianceFolder,
  base: Base,
  packing: Pick<Packing, 'expectsData'> = {},
): Promise<PreparedAppliance> {
  checkImageProgram(source.appliance, base);
  await checkProgramArchitecture(source, base);
  noteUse(base);
  const need = { kind: 'appliance', path: join(source.folder, applianceFiles.manifest) } as const;
  const [{ app, data, digest }] = await Promise.all([
    applianceImages(source, packing),
    noteNeed(base.digest, need),
  ]);
  const machine = { kind: 'contract', base, app, ...(data ? { data } : {}), outputOn: 'disk' } as const;
  return { appliance: source.appliance, digest, base, machine };
}
