import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ApplianceManifest } from '../model/appliance.js';
import { GvaError } from '../system/errors.js';
import { digestText, ensureFolder, readTextIfExists, writeFileAtomically } from '../system/files.js';
import { packageVersion } from '../system/package.js';
import { applianceFiles, imagesFolder } from '../system/paths.js';

/** Raise when the same text becomes another appliance. */
const manifestVersion = 1;

/** An appliance and the folder it was read from. */
export interface ApplianceFolder {
  readonly kind: 'folder';
  readonly appliance: ApplianceManifest;
  /** Absolute. */
  readonly folder: string;
}

/** Reads an appliance folder; everything that is wrong with its gva.yaml is one GvaError. */
export async function loadAppliance(folder: string): Promise<ApplianceFolder> {
  const absolute = resolve(folder);
  const file = join(folder, applianceFiles.manifest);
  const found = await stat(absolute).catch(() => undefined);
  if (!found?.isDirectory())
    throw new GvaError('APPLIANCE_MISSING', `there is no appliance folder ${folder}`, {
      hint: `Make one that works: gva init ${folder}`,
    });
  const text = await readTextIfExists(join(absolute, applianceFiles.manifest));
  if (text === undefined)
    throw new GvaError(
      'APPLIANCE_MISSING',
      `${folder} is no appliance folder: it has no ${applianceFiles.manifest}`,
      {
        hint: 'gva init DIR makes an appliance folder that works.',
      },
    );
  const app = await stat(join(absolute, applianceFiles.app)).catch(() => undefined);
  const appliance = await rememberedManifest(text, file, absolute);
  if (!app?.isDirectory())
    throw new GvaError('APPLIANCE_MISSING', `${folder} has no folder ${applianceFiles.app}/`, {
      hint: `Put the program into ${join(folder, applianceFiles.app)}/.`,
    });
  return { kind: 'folder', appliance, folder: absolute };
}

/**
 * What a text became the last time: reading YAML and checking it costs more than all else that happens before a
 * machine starts (35 ms). Only what was right is remembered, and nothing that depends on other files.
 */
async function rememberedManifest(text: string, file: string, folder: string): Promise<ApplianceManifest> {
  const key = digestText(JSON.stringify([packageVersion(), manifestVersion, text]));
  const note = join(imagesFolder(), `manifest-${key}.json`);
  const known = await readTextIfExists(note)
    .then((json) => (json === undefined ? undefined : (JSON.parse(json) as ApplianceManifest)))
    .catch(() => undefined);
  if (known !== undefined) return known;
  const [{ parseManifest }, { readEula }] = await Promise.all([import('./manifest.js'), import('./eula.js')]);
  const appliance = parseManifest(text, file, (path) => readEula(folder, path));
  if (appliance.eula === undefined)
    await ensureFolder(imagesFolder())
      .then(() => writeFileAtomically(note, JSON.stringify(appliance)))
      // A cache that cannot be written to costs time, nothing else.
      .catch(() => undefined);
  return appliance;
}
