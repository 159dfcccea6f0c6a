import { type BaseRequirements, packageText } from '../model/base-wish.js';
import { shellWord } from '../system/shell-word.js';
import { recipesBuilt } from './recipe/notes.js';
import { satisfies } from './satisfies.js';

/** Recipes that are told of. */
const mostTold = 3;

/**
 * What would make a base with all that is required, in lines for people: recipes that were built on this machine and whose
 * base had it; the command; and the recipe to write.
 */
export async function howToMake(wish: BaseRequirements): Promise<string[]> {
  const known = (await recipesBuilt()).filter((note) => satisfies(note, wish)).slice(0, mostTold);
  const lines = known.map(
    ({ file, name, builtAt }) =>
      `Its recipe is here: gva base build ${shellWord(file)} (${name}, built ${builtAt.slice(0, 10)})`,
  );
  return [...lines, ...newOne(wish)];
}

function newOne({ os = 'linux', arch = 'x86_64', packages = [] }: BaseRequirements): string[] {
  const [id, release] = os.split(':');
  if (arch !== 'x86_64' || !['linux', 'debian'].includes(id ?? ''))
    return ['Bring one from elsewhere: gva base import FILE, or gva base add DISK.'];
  const suite = suites.get(release ?? '') ?? 'bookworm';
  const names = [...new Set(packages.map(({ name }) => name))];
  const command = `Build one: gva base build debian:${suite}`;
  if (names.length === 0) return [command];
  const versions = packages.filter(({ version }) => version !== undefined).map(packageText);
  const unsure = versions.length === 0 ? '' : `, if ${suite} has ${versions.join(', ')}`;
  return [`${command} --packages ${names.join(',')}${unsure}`, ...recipeLines(suite, names)];
}

const recipeLines = (suite: string, names: readonly string[]) => [
  'Or write a recipe, to which more steps can be added, and build it: gva base build base.yaml',
  `  name: ${(names[0] ?? '').replaceAll(/[^A-Za-z0-9._-]/g, '-')}`,
  `  from: debian:${suite}`,
  '  steps:',
  `    - packages: [${names.join(', ')}]`,
];

const suites = new Map([
  ['12', 'bookworm'],
  ['bookworm', 'bookworm'],
  ['13', 'trixie'],
  ['trixie', 'trixie'],
]);
