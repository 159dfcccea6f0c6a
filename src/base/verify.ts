import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { filesOf } from '../model/base.js';
import { messageOf } from '../system/errors.js';
import { digestFile } from '../system/files.js';
import { type Base, baseDigest } from './store.js';

/** What is not as `base.json` says, every byte read; empty where all is well. */
export async function verifyFiles(base: Base, signal: AbortSignal): Promise<string[]> {
  const problems: string[] = [];
  for (const { name, size, sha256 } of filesOf(base)) {
    signal.throwIfAborted();
    const path = join(base.folder, name);
    try {
      if ((await stat(path)).size !== size) problems.push(`${name} has another size than when it was made`);
      else if ((await digestFile(path)) !== sha256)
        problems.push(`${name} has another digest than when it was made`);
    } catch (error) {
      problems.push(`${name} cannot be read: ${messageOf(error)}`);
    }
  }
  if (baseDigest(base.files) !== base.digest) problems.push('its digest is not that of its files');
  return problems;
}
