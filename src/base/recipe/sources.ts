import { resolve } from 'node:path';
import { debianOptions } from '../debian/options.js';
import { debianInputs } from '../debian/inputs.js';
import { ensureDebian } from '../debian/ensure.js';
import { ensureMicro } from '../micro/ensure.js';
import { type Base, findBase, loadBase } from '../store.js';
import type { RecipeSource } from './recipe.js';

/**
 * The base that a recipe begins with; what can be built is, where it is not there.
 *
 * @param folder of the recipe
 * @throws GvaError BASE_MISSING, and as the builders
 */
export async function ensureSource(
  from: RecipeSource,
  folder: string,
  say: (step: string) => void,
  signal: AbortSignal,
): Promise<Base> {
  switch (from.kind) {
    case 'base':
      if (from.name === 'micro') await ensureMicro(false, say, signal);
      return loadBase(from.name);
    case 'debian': {
      const options = debianOptions(`debian:${from.suite}`, { profile: from.profile });
      await ensureDebian(options, false, say, signal);
      return loadBase(options.name);
    }
    case 'oci':
      throw new TypeError(`not yet: ${resolve(folder, from.folder)}`);
  }
}

/** The same where nothing is to be built: undefined where it would have to be. */
export async function findSource(from: RecipeSource, _folder: string): Promise<Base | undefined> {
  switch (from.kind) {
    case 'base':
      return from.name === 'micro' ? findBase('micro') : loadBase(from.name);
    case 'debian': {
      const options = debianOptions(`debian:${from.suite}`, { profile: from.profile });
      const base = await findBase(options.name);
      return base?.inputs === (await debianInputs(options)) ? base : undefined;
    }
    case 'oci':
      return undefined;
  }
}
