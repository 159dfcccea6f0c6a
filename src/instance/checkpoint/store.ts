import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckpointManifest } from '../../model/checkpoint.js';
import { GvaError } from '../../system/errors.js';
import { digestFile, ensureFolder, writeFileAtomically } from '../../system/files.js';
import { lockFolder } from '../../system/folder-lock.js';
import { checkpointFiles } from '../../system/paths.js';

type ManifestFiles = CheckpointManifest['files'];

/**
 * The folder that an instance's checkpoints are kept in. Its manifest names the files of the last one that is whole, and
 * is replaced by one rename; files that it does not name are of one that was broken off, or of one before.
 */
export class CheckpointFolder implements AsyncDisposable {
  readonly path: string;
  readonly #lock: AsyncDisposable;

  /** Takes the folder for this process. @throws GvaError CHECKPOINT_IN_USE */
  static async open(path: string): Promise<CheckpointFolder> {
    await ensureFolder(path);
    const { lock, holder } = await lockFolder(path, checkpointFiles.lock);
    if (lock) return new CheckpointFolder(path, lock);
    const who = holder.process ? ` (process ${holder.process.pid})` : '';
    const where = holder.state === 'alive' ? '' : ' of another host or container';
    throw new GvaError('CHECKPOINT_IN_USE', `the instance of ${path} is being run${who}${where}`, {
      hint:
        holder.state === 'alive'
          ? 'Wait for it, or end it first.'
          : `If you know that it has ended: remove ${holder.file}`,
    });
  }

  private constructor(path: string, lock: AsyncDisposable) {
    this.path = path;
    this.#lock = lock;
  }

  /** Puts a checkpoint in the place of the one before, whose files go as far as they are needed no more. */
  async publish(manifest: CheckpointManifest): Promise<void> {
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    await writeFileAtomically(join(this.path, checkpointFiles.manifest), text);
    await this.clean(manifest);
  }

  /** Removes what is of no whole checkpoint. */
  async clean(manifest: CheckpointManifest | undefined): Promise<void> {
    const needed = manifest?.files ?? {};
    for (const name of await readdir(this.path))
      if (checkpointFiles.isContent(name) && !(name in needed))
        await rm(join(this.path, name), { force: true });
  }

  /** The instance has ended: there is nothing more to go on from. */
  async remove(): Promise<void> {
    // Whoever finds no manifest finds no checkpoint.
    await rm(join(this.path, checkpointFiles.manifest), { force: true });
    await rm(this.path, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lock[Symbol.asyncDispose]();
  }
}

/** What to write down of files that are there. @param known of those that have not changed */
export async function describeFiles(
  folder: string,
  names: readonly string[],
  known: ManifestFiles,
): Promise<ManifestFiles> {
  const entries = names.map(async (name) => {
    const path = join(folder, name);
    return [name, known[name] ?? { size: (await stat(path)).size, sha256: await digestFile(path) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Bytes of the whole checkpoint. */
export const sizeOf = ({ files }: Pick<CheckpointManifest, 'files'>) =>
  Object.values(files).reduce((sum, { size }) => sum + size, 0);
