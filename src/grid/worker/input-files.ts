import { stat } from 'node:fs/promises';
import type { InputFile } from '../../instance/identity.js';
import { GvaError, messageOf } from '../../system/errors.js';
import { imagesFolder } from '../../system/paths.js';
import { rememberedDigest } from '../../system/remembered-digest.js';
import { type Patience, persistently } from './persistently.js';

/**
 * Looks whether files of points are still what they were when the sweep was submitted: what a point comes to is known by
 * their digests. What was looked at is recognised by its inode, size and times.
 */
export class UnchangedFiles {
  readonly #patience: Patience;
  readonly #seen = new Map<string, string>();

  constructor(patience: Patience) {
    this.#patience = patience;
  }

  /** @throws GvaError INPUT_FILE; Error where it cannot be read */
  async check(files: readonly InputFile[]): Promise<void> {
    for (const file of files)
      await persistently(`read ${file.source}`, () => this.#check(file), this.#patience).catch(
        (error: unknown) => {
          throw error instanceof GvaError ? error : unreadable(file.source, error);
        },
      );
  }

  async #check({ source, size, sha256 }: InputFile): Promise<void> {
    const info = await stat(source, { bigint: true });
    if (!info.isFile() || Number(info.size) !== size) throw changed(source);
    const version = [info.dev, info.ino, info.size, info.mtimeNs, info.ctimeNs, sha256].join(' ');
    if (this.#seen.get(source) === version) return;
    if ((await rememberedDigest(source, imagesFolder())) !== sha256) throw changed(source);
    this.#seen.set(source, version);
  }
}

const changed = (path: string) =>
  new GvaError('INPUT_FILE', `the file ${path} has changed since the sweep was submitted`, {
    hint: 'Resume the sweep: what its plan says is read again then.',
  });

const unreadable = (path: string, error: unknown) =>
  new GvaError('INPUT_FILE', `cannot read the file ${path} on this node: ${messageOf(error)}`, {
    hint: 'Files of points must be on a file system that the nodes see.',
    cause: error,
  });
