import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { GvaError, errnoOf, messageOf } from '../system/errors.js';
import { ensureFolder, syncPath, temporarySibling } from '../system/files.js';
import { renameOnce } from '../system/lost-replies.js';
import { resultFiles } from '../system/paths.js';
import { syncTree } from '../system/sync-tree.js';
import { removeAbandonedSiblings } from '../system/temporary.js';

/** A folder of results that appears whole or not at all. Disposing it removes what was not published. */
export interface PendingFolder extends AsyncDisposable {
  /** To be filled. */
  readonly folder: string;
  /** Puts it under the name asked for. */
  publish(): Promise<void>;
}

/**
 * Prepares the result folder `out`, which must not hold anything yet. With `force`, one that holds results of
 * ours is replaced when the new results are published; anything else is never touched.
 *
 * @param durable whether it is to outlive a crash of the host once it is published
 * @param marker the file by which such results are known
 */
export async function preparePendingFolder(
  out: string,
  force: boolean,
  durable = true,
  marker: string = resultFiles.result,
): Promise<PendingFolder> {
  const target = resolve(out);
  await checkTarget(target, out, force ? marker : undefined);
  const folder = await createSibling(target, out);
  return {
    folder,
    publish: () => replaceFolder(folder, target, durable),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Removes what processes left beside the result folder `out` that were killed before they could publish it. */
export const removeAbandonedResults = (out: string): Promise<void> => removeAbandonedSiblings(resolve(out));

/** @param marker of what may be replaced; nothing may where undefined */
async function checkTarget(target: string, out: string, marker: string | undefined): Promise<void> {
  let names: string[];
  try {
    names = await readdir(target);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw unusable(out, error);
  }
  if (names.length === 0 || (marker !== undefined && names.includes(marker))) return;
  if (names.includes(resultFiles.result))
    throw new GvaError('OUT_EXISTS', `the output folder ${out} has results in it`, {
      hint: 'Name another folder, or replace them: --force',
    });
  throw new GvaError('OUT_EXISTS', `the output folder ${out} is not empty, and what is in it is not GVA's`, {
    hint: 'Name a folder that is empty or does not exist.',
  });
}

async function createSibling(target: string, out: string): Promise<string> {
  try {
    await ensureFolder(dirname(target));
    const folder = temporarySibling(target);
    await mkdir(folder);
    return folder;
  } catch (error) {
    throw unusable(out, error);
  }
}

const unusable = (out: string, error: unknown) =>
  new GvaError('OUT_UNUSABLE', `cannot write to the output folder ${out}: ${messageOf(error)}`, {
    hint: 'Name a folder that you may write to: --out DIR',
    cause: error,
  });

async function replaceFolder(folder: string, target: string, durable: boolean): Promise<void> {
  if (durable) await syncTree(folder);
  const old = (await exists(target)) ? temporarySibling(target) : undefined;
  try {
    if (old !== undefined) await renameOnce(target, old);
    await renameOnce(folder, target);
  } catch (error) {
    if (old !== undefined && !(await exists(target))) await renameOnce(old, target);
    throw unusable(target, error);
  }
  if (durable) await syncPath(dirname(target));
  if (old !== undefined) await rm(old, { recursive: true, force: true });
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
