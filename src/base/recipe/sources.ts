import { type DebianOptions, debianOptions } from '../debian/options.js';
import { debianInputs } from '../debian/inputs.js';
import { ensureDebian } from '../debian/ensure.js';
import { ensureMicro } from '../micro/ensure.js';
import { type Base, type DirectBase, findBase, loadBase, requireDirect } from '../store.js';
import type { RecipeSource } from './recipe.js';

/**
 * The base that a recipe begins with; what can be built is, where it is not there.
 *
 * @throws GvaError BASE_MISSING, BASE_FIRMWARE, and as the builders
 */
export async function ensureSource(
  from: RecipeSource,
  say: (step: string) => void,
  signal: AbortSignal,
): Promise<DirectBase> {
  if (from.kind === 'debian') {
    const options = debianBaseOf(from);
    await ensureDebian(options, false, say, signal);
    return asSource(await loadBase(options.name));
  }
  if (from.name === 'micro') await ensureMicro(false, say, signal);
  return asSource(await loadBase(from.name));
}

const asSource = (base: Base) => requireDirect(base, 'be what a recipe begins with');

/** The same where nothing is to be built: undefined where it would have to be. */
export async function findSource(from: RecipeSource): Promise<DirectBase | undefined> {
  if (from.kind === 'base' && from.name !== 'micro') return asSource(await loadBase(from.name));
  const found = from.kind === 'base' ? await findBase('micro') : await findDebian(from);
  return found && asSource(found);
}

async function findDebian(from: Extract<RecipeSource, { kind: 'debian' }>): Promise<Base | undefined> {
  const options = debianBaseOf(from);
  const base = await findBase(options.name);
  return base?.inputs === (await debianInputs(options)) ? base : undefined;
}

/** Without packages: those are for the recipe's steps. */
const debianBaseOf = ({ suite, profile }: Extract<RecipeSource, { kind: 'debian' }>): DebianOptions =>
  debianOptions(`debian:${suite}`, { profile });
