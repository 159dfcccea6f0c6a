import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { explainRecipe, explanationText } from '../../base/recipe/explain.js';
import { type KnownRecipe, knowRecipe, planRecipe } from '../../base/recipe/order.js';
import { noteRecipe } from '../../base/recipe/notes.js';
import { parseRecipe } from '../../base/recipe/parse.js';
import type { StepRunner } from '../../base/recipe/step-runner.js';
import { findBase, loadDirectBase } from '../../base/store.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { recipeFile } from '../../system/paths.js';
import { printJson } from '../action.js';

export interface RecipeOptions {
  readonly force: boolean;
  readonly explain: boolean;
  readonly json: boolean;
  /** Instead of the recipe's own. */
  readonly name: string | undefined;
}

/** Whether the argument is a recipe's file or folder, and no name of what is built without one. */
export function isRecipePath(what: string): boolean {
  if (/^micro$|^debian(:|$)|^oci:/.test(what)) return false;
  return /\/|\.ya?ml$|^\.\.?$/.test(what) || existsSync(join(what, recipeFile));
}

/** `gva base build RECIPE`: a file, or a folder with a base.yaml. */
export async function buildFromRecipe(
  path: string,
  options: RecipeOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const file = await recipeFileOf(path);
  const known = await readRecipe(file, options.name);
  return options.explain ? explain(known, options.json) : build(known, file, options, signal);
}

async function recipeFileOf(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
  return resolve(isFolder ? join(path, recipeFile) : path);
}

async function readRecipe(file: string, name: string | undefined): Promise<KnownRecipe> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new GvaError('RECIPE_MISSING', `cannot read the recipe ${file}: ${messageOf(error)}`);
  });
  const recipe = parseRecipe(text, file);
  return knowRecipe(name === undefined ? recipe : { ...recipe, name }, dirname(file));
}

async function explain(known: KnownRecipe, json: boolean): Promise<ExitCode> {
  const { findSource } = await import('../../base/recipe/sources.js');
  const from = await findSource(known.recipe.from, known.folder);
  const plan = await planRecipe(known, from ?? { digest: '' });
  const explanation = explainRecipe(known, from, await findBase(known.recipe.name), plan);
  if (json) printJson(explanation);
  else process.stdout.write(`${explanationText(explanation)}\n`);
  return ExitCode.ok;
}

async function build(
  known: KnownRecipe,
  file: string,
  options: RecipeOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { ensureSource } = await import('../../base/recipe/sources.js');
  const { ensureRecipe } = await import('../../base/recipe/build.js');
  const say = (step: string) => console.error(`${known.recipe.name}: ${step}`);
  const from = await ensureSource(known.recipe.from, known.folder, say, signal);
  const order = { known, from, force: options.force, runStep: stepRunner(say) };
  const { manifest, built } = await ensureRecipe(order, say, signal);
  await noteRecipe(file, manifest);
  if (options.json) printJson(manifest);
  else say(`${built ? 'built' : 'is there'}, digest ${manifest.digest.slice(0, 16)}`);
  return ExitCode.ok;
}

/** Runs steps on this machine's fastest VMM; all that it needs for that is looked for when the first one comes. */
export function stepRunner(say: (step: string) => void): StepRunner {
  return async (order, signal) => {
    const { ensureMicro } = await import('../../base/micro/ensure.js');
    await ensureMicro(false, say, signal);
    const micro = await loadDirectBase('micro');
    const { vmmDrivers } = await import('../../library/vmms.js');
    const { chooseVmm } = await import('../../vmm/choose.js');
    const { runRecipeStep } = await import('../../instance/recipe-step.js');
    const vmm = await chooseVmm(order.network ? 'qemu' : 'auto', vmmDrivers(micro), 1);
    return runRecipeStep(order, micro, vmm, signal);
  };
}
