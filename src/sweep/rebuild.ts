import { join } from 'node:path';
import { GvaError } from '../system/errors.js';
import { readTextIfExists } from '../system/files.js';
import { sweepFiles } from '../system/paths.js';
import { parseSweepManifest } from './manifest.js';
import { putStoreAside } from './open-store.js';
import { rebuildStore } from './reconcile.js';
import { SweepStore } from './store/store.js';
import { openSweepFolder } from './sweep-folder.js';

/**
 * Makes the store of a sweep anew from its result files; the old one is kept under another name.
 *
 * @returns results that were found
 * @throws GvaError SWEEP_UNREADABLE, SWEEP_IN_USE
 */
export async function rebuildSweep(folder: string, signal: AbortSignal): Promise<number> {
  const text = await readTextIfExists(join(folder, sweepFiles.sweep)).catch(() => undefined);
  const described = text === undefined ? undefined : parseSweepManifest(text);
  if (!described)
    throw new GvaError('SWEEP_UNREADABLE', `${folder} is no sweep's folder: it has no ${sweepFiles.sweep}`);
  await using opened = await openSweepFolder(folder, described.appliance.name);
  const file = join(folder, sweepFiles.store);
  await putStoreAside(file);
  using store = SweepStore.open(file, described.count);
  return await rebuildStore(store, opened.folder, signal);
}
