import type { BaseManifest } from '../../model/base.js';
import { ensureBase } from '../ensure.js';
import { microInputs } from './inputs.js';

/** The base "micro": the one that is there, if it was made of what would make it now, else a new one. */
export async function ensureMicro(
  force: boolean,
  say: (step: string) => void,
  signal?: AbortSignal,
): Promise<{ manifest: BaseManifest; built: boolean }> {
  const build: typeof import('./build.js').buildMicro = async (...args) =>
    (await import('./build.js')).buildMicro(...args);
  return ensureBase({ name: 'micro', inputs: await microInputs(), force, build }, say, signal);
}
