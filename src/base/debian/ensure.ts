import type { BaseManifest } from '../../model/base.js';
import { ensureBase } from '../ensure.js';
import { debianInputs } from './inputs.js';
import type { DebianOptions } from './options.js';

/** A Debian base as it is asked for: the one that is there, if it was made of what would make it now, else a new one. */
export async function ensureDebian(
  options: DebianOptions,
  force: boolean,
  say: (step: string) => void,
  signal?: AbortSignal,
): Promise<{ manifest: BaseManifest; built: boolean }> {
  const build = async (...rest: [(step: string) => void, AbortSignal?]) =>
    (await import('./build.js')).buildDebian(options, ...rest);
  return ensureBase({ name: options.name, inputs: await debianInputs(options), force, build }, say, signal);
}
