import type { Architecture, BaseManifest } from '../model/base.js';
import { GvaError } from '../system/errors.js';
import { whileOnlyBuilder } from './build-folder.js';
import { findBase } from './store.js';
import { umlRelease } from './uml-host.js';

/** What is to be there, and how it is made where it is not. */
export interface WantedBase {
  readonly name: string;
  /** What `inputs` of its base.json must be. */
  readonly inputs: string;
  /** Of its guests; x86_64 where absent. */
  readonly arch?: Architecture;
  /** Make it anew even if it is there. */
  readonly force: boolean;
  build(say: (step: string) => void, signal?: AbortSignal): Promise<BaseManifest>;
}

/**
 * The base of that name: the one that is there, if it was made of what would make it now, else a new one. Of
 * processes that ask at once one builds, and the others wait for it.
 *
 * @param say told what is being done
 */
export async function ensureBase(
  wanted: WantedBase,
  say: (step: string) => void,
  signal?: AbortSignal,
): Promise<{ manifest: BaseManifest; built: boolean }> {
  const before = await findUsable(wanted);
  if (before && !wanted.force) return { manifest: before, built: false };
  return whileOnlyBuilder(wanted.name, say, signal, async () => {
    const meanwhile = await findUsable(wanted);
    // Built by whom we waited for; a forced one is to be newer than what was there.
    if (meanwhile && (!wanted.force || meanwhile.digest !== before?.digest))
      return { manifest: meanwhile, built: false };
    return { manifest: await wanted.build(say, signal), built: true };
  });
}

async function findUsable({ name, inputs, arch = 'x86_64' }: WantedBase): Promise<BaseManifest | undefined> {
  const base = await findBase(name).catch((error: unknown) => {
    if (error instanceof GvaError) return undefined;
    throw error;
  });
  if (base?.inputs !== inputs) return undefined;
  // What was built just now has no folder in its description, either.
  const manifest: BaseManifest & { folder?: string } = { ...base };
  delete manifest.folder;
  // User-mode Linux is of this machine's architecture.
  if (arch !== 'x86_64') return manifest;
  return base.umlRelease === (await umlRelease()) ? manifest : undefined;
}
