import { digestText } from '../../system/files.js';
import type { Base } from '../store.js';
import { type KnownStep, type Plan, elementsAfter, planSteps } from './chain.js';
import { type Layer, layersOf } from '../layer/store.js';
import type { Recipe } from './recipe.js';
import { copyDigest } from './step-files.js';

/** A recipe with all that it takes in, except what it begins with. */
export interface KnownRecipe {
  readonly recipe: Recipe;
  /** Absolute; paths of the recipe are below it. */
  readonly folder: string;
  readonly steps: readonly KnownStep[];
}

/** Raise when the same recipe gives another base than before. */
const recipeVersion = 1;

/** @throws GvaError RECIPE_COPY, FILE_READ */
export async function knowRecipe(recipe: Recipe, folder: string): Promise<KnownRecipe> {
  const steps: KnownStep[] = [];
  for (const step of recipe.steps)
    steps.push(step.kind === 'copy' ? { step, content: await copyDigest(step, folder) } : { step });
  return { recipe, folder, steps };
}

/** SHA-256 of the recipe with all that it takes in. */
export const recipeDigest = ({ recipe, steps }: KnownRecipe): string =>
  digestText(JSON.stringify([recipe, steps.map(({ content }) => content ?? null)]));

/** SHA-256 of everything that decides what comes out: a base that was made of the same need not be made again. */
export const recipeInputs = (known: KnownRecipe, from: Pick<Base, 'digest'>): string =>
  digestText(JSON.stringify([recipeVersion, recipeDigest(known), from.digest, elementsAfter(known.steps)]));

/** Where the work would begin, and what would be left of it. */
export const planRecipe = async (
  { steps }: KnownRecipe,
  from: Pick<Base, 'digest'>,
  fresh = false,
): Promise<Plan<Layer>> => planSteps(steps, fresh ? [] : await layersOf(from.digest));
