import type { Architecture, BaseManifest } from '../../model/base.js';
import { ensureBase } from '../ensure.js';
import { microInputs, microName } from './inputs.js';

/** The base "micro": the one that is there, if it was made of what would make it now, else a new one. */
export async function ensureMicro(
  force: boolean,
  say: (step: string) => void,
  signal?: AbortSignal,
  arch: Architecture = 'x86_64',
): Promise<{ manifest: BaseManifest; built: boolean }> {
  const build: typeof import('./build.js').buildMicro = async (...args) =>
    arch === 'x86_64'
      ? (await import('./build.js')).buildMicro(...args)
      : (await import('./build-foreign.js')).buildForeignMicro(arch, ...args);
  const own = { name: microName(arch), inputs: await microInputs(arch), arch };
  return ensureBase({ ...own, force, build }, say, signal);
}
