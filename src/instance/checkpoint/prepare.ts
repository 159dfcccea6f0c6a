import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ApplianceSource } from '../../appliance/source.js';
import { type Base, findBaseByDigest, loadBaseFolder } from '../../base/store.js';
import type { CheckpointManifest, NeededImage } from '../../model/checkpoint.js';
import { GvaError } from '../../system/errors.js';
import { imagesFolder } from '../../system/paths.js';
import { rememberedDigest } from '../../system/remembered-digest.js';
import { type PreparedAppliance, prepareAppliance } from '../prepare.js';
import { preparePackage } from '../prepare-package.js';
import { refused } from './facts.js';

/**
 * What the instance of a checkpoint shares with others: base and images, by their digests.
 *
 * @param source of the appliance, for images that are not on this machine any more, or not yet
 * @throws GvaError CHECKPOINT_REFUSED where one of them cannot be found
 */
export async function prepareSaved(
  { instance, base: wanted, images }: CheckpointManifest,
  source: ApplianceSource | undefined,
): Promise<PreparedAppliance> {
  const base = await findBase(wanted);
  const made = source && (await prepare(source, base));
  const { app: madeApp, data: madeData } = made?.machine.kind === 'contract' ? made.machine : {};
  const app = await findImage('application', images.app, madeApp?.file);
  const data = images.data && (await findImage('data', images.data, madeData?.file));
  const { appliance, digest, outputOn } = instance;
  const machine = { kind: 'contract', base, app, ...(data ? { data } : {}), outputOn } as const;
  return { appliance, digest, base, machine };
}

const prepare = (source: ApplianceSource, base: Base) =>
  source.kind === 'folder' ? prepareAppliance(source, base) : preparePackage(source);

async function findBase({ name, digest, folder }: CheckpointManifest['base']): Promise<Base> {
  const where = await loadBaseFolder(folder).catch((error: unknown) => {
    if (error instanceof GvaError) return undefined;
    throw error;
  });
  const base = where?.digest === digest ? where : await findBaseByDigest(name, digest);
  if (base) return base;
  throw refused(
    `the base image ${name} with the digest ${digest} is not on this machine`,
    'Bring it here: it is a folder of ~/.local/share/gva/bases/ where the checkpoint was taken.',
  );
}

/** Where it was, in the cache, or made now. */
async function findImage(
  what: string,
  { file, size, sha256 }: NeededImage,
  made: string | undefined,
): Promise<{ file: string; size: number }> {
  for (const path of [file, join(imagesFolder(), basename(file)), ...(made === undefined ? [] : [made])]) {
    const info = await stat(path).catch(() => undefined);
    if (!info?.isFile() || info.size !== size) continue;
    if ((await rememberedDigest(path, imagesFolder())) === sha256) return { file: path, size };
  }
  throw refused(
    `the ${what} disk (SHA-256 ${sha256}) is not on this machine`,
    'Name the appliance that it is made from: --appliance DIR',
  );
}
