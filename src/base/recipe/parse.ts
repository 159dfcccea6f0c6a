import { YamlFile } from '../../system/yaml.js';
import { debianSuites } from '../debian/options.js';
import type { Recipe, RecipeSource, RecipeStep } from './recipe.js';
import { type RecipeText, type StepText, recipeSchema } from './schema.js';

/**
 * The text of a base.yaml as a recipe; everything that is wrong with it is one GvaError.
 *
 * @param file name for messages
 * @throws GvaError RECIPE_INVALID
 */
export function parseRecipe(text: string, file: string): Recipe {
  const yaml = new YamlFile(text, file);
  const found: { from?: RecipeSource } = {};
  const checked = yaml.parse(recipeSchema, 'RECIPE_INVALID', (recipe) => {
    const from = sourceOf(recipe);
    if (typeof from === 'string') yaml.mistake(['from'], `from: ${from}`);
    else found.from = from;
    if (recipe.profile !== undefined && !recipe.from.startsWith('debian'))
      yaml.mistake(['profile'], 'profile: only a system of Debian that is made anew has one', true);
  });
  if (!found.from) throw new TypeError('a recipe without mistakes says what it begins with');
  const { name, version, description, memory, free, steps } = checked;
  return {
    ...{ name, from: found.from, memory, free },
    ...(version === undefined ? {} : { version }),
    ...(description === undefined ? {} : { description }),
    steps: steps.map(stepOf),
  };
}

function sourceOf({ from, profile = 'quick' }: RecipeText): RecipeSource | string {
  const [isDebian, name = 'bookworm'] = /^debian(?::(.*))?$/.exec(from) ?? [];
  if (isDebian !== undefined) {
    const suite = debianSuites.find((each) => each === name);
    if (suite) return { kind: 'debian', suite, profile };
    return `there is no suite ${JSON.stringify(name)} here; one of ${debianSuites.join(', ')}`;
  }
  const [isOci, folder = '', tag] = /^oci:([^:]+)(?::([^:]+))?$/.exec(from) ?? [];
  if (isOci !== undefined) return { kind: 'oci', folder, ...(tag !== undefined && { tag }) };
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(from)) return { kind: 'base', name: from };
  return 'must be the name of a base, debian:SUITE, or oci:DIR';
}

/** Of a step that is one of them, as the schema has checked. */
function stepOf({ packages, copy, run, network, timeout, user, env }: StepText): RecipeStep {
  if (packages) return { kind: 'packages', names: [...new Set(packages)].sort() };
  if (copy) return { kind: 'copy', ...copy };
  if (env) return { kind: 'env', variables: env };
  if (user !== undefined) {
    const { name, uid } = typeof user === 'string' ? { name: user, uid: undefined } : user;
    return { kind: 'user', name, ...(uid === undefined ? {} : { uid }) };
  }
  return {
    ...{ kind: 'run', command: run ?? '' },
    ...(network && { network }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}
