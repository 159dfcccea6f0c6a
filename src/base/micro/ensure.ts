import type { BaseManifest } from '../../model/base.js';
import { GvaError } from '../../system/errors.js';
import { findBase } from '../store.js';
import { umlRelease } from '../uml-host.js';
import { microInputs } from './inputs.js';

/** The base "micro": the one that is there, if it was made of what would make it now, else a new one. */
export async function ensureMicro(
  force: boolean,
  say: (step: string) => void,
  signal?: AbortSignal,
): Promise<{ manifest: BaseManifest; built: boolean }> {
  const found = force ? undefined : await findUsable();
  if (found) return { manifest: found, built: false };
  const { buildMicro } = await import('./build.js');
  return { manifest: await buildMicro(say, signal), built: true };
}

async function findUsable(): Promise<BaseManifest | undefined> {
  const base = await findBase('micro').catch((error: unknown) => {
    if (error instanceof GvaError) return undefined;
    throw error;
  });
  if (base?.inputs !== (await microInputs())) return undefined;
  return base.umlRelease === (await umlRelease()) ? base : undefined;
}
