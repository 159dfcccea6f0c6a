import { resolve } from 'node:path';
import { type DebianOptions, debianOptions } from '../debian/options.js';
import { debianInputs } from '../debian/inputs.js';
import { ensureDebian } from '../debian/ensure.js';
import { openLayout } from '../oci/layout.js';
import { ociInputs, ociName } from '../oci/inputs.js';
import { ensureMicro } from '../micro/ensure.js';
import { type Base, type DirectBase, findBase, loadBase, requireDirect } from '../store.js';
import { GvaError } from '../../system/errors.js';
import type { RecipeSource } from './recipe.js';

/**
 * The base that a recipe begins with; what can be built is, where it is not there.
 *
 * @param folder of the recipe
 * @throws GvaError BASE_MISSING, BASE_FIRMWARE, BASE_ARCH, and as the builders
 */
export async function ensureSource(
  from: RecipeSource,
  folder: string,
  say: (step: string) => void,
  signal: AbortSignal,
): Promise<DirectBase> {
  if (from.kind === 'debian') {
    const options = debianBaseOf(from);
    await ensureDebian(options, false, say, signal);
    return usable(await loadBase(options.name));
  }
  if (from.kind === 'oci') {
    const { ensureOci } = await import('../oci/build.js');
    const image = await openLayout(resolve(folder, from.folder), from.tag);
    await ensureOci(image, ociName(image), false, say, signal);
    return usable(await loadBase(ociName(image)));
  }
  if (from.name === 'micro') await ensureMicro(false, say, signal);
  return usable(await loadBase(from.name));
}

/** Steps run in machines of this architecture. */
function usable(base: Base): DirectBase {
  if (base.arch === 'x86_64') return requireDirect(base, 'be what a recipe begins with');
  throw new GvaError('BASE_ARCH', `a recipe cannot begin with ${base.name}, which is for ${base.arch}`, {
    hint: 'So far only bases for x86_64 can.',
  });
}

/** The same where nothing is to be built: undefined where it would have to be. */
export async function findSource(from: RecipeSource, folder: string): Promise<Base | undefined> {
  if (from.kind === 'oci') {
    const image = await openLayout(resolve(folder, from.folder), from.tag);
    const base = await findBase(ociName(image));
    return base?.inputs === (await ociInputs(image)) ? base : undefined;
  }
  if (from.kind === 'base') return from.name === 'micro' ? findBase('micro') : loadBase(from.name);
  const options = debianBaseOf(from);
  const base = await findBase(options.name);
  return base?.inputs === (await debianInputs(options)) ? base : undefined;
}

/** Without packages: those are for the recipe's steps. */
const debianBaseOf = ({ suite, profile }: Extract<RecipeSource, { kind: 'debian' }>): DebianOptions =>
  debianOptions(`debian:${suite}`, { profile });
