import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseManifest } from '../../model/base.js';
import { fullDiskErrno } from '../../system/errors.js';
import { ensureFolder } from '../../system/files.js';
import { baseFiles, layerFiles, layersFolder } from '../../system/paths.js';
import { withOtherRoot } from '../boot/portable-disk.js';
import { inBuildFolder } from '../build-folder.js';
import { packagesIn } from '../debian/installed.js';
import { ensureBase } from '../ensure.js';
import { applyChanges, copyImage } from '../layer/changes.js';
import { type Layer, isIntact, keepLayer, pruneLayers } from '../layer/store.js';
import { type DirectBase, publishBase } from '../store.js';
import { type Element, type Plan, layerKey } from './chain.js';
import { executeStep } from './execute.js';
import { type KnownRecipe, planRecipe, recipeDigest, recipeInputs } from './order.js';
import { describeStep, sourceText } from './recipe.js';
import { contentSizeOf, readRootState } from './root-state.js';
import type { StepRunner } from './step-runner.js';

export interface RecipeOrder {
  readonly known: KnownRecipe;
  /** What it begins with. */
  readonly from: DirectBase;
  /** Make it anew, and use no layer. */
  readonly force: boolean;
  readonly runStep: StepRunner;
}

/**
 * The base that a recipe describes: the one that is there, if it was made of the same, else a new one, for which only
 * those steps are executed that no layer has. Each step that ends well is kept as a layer at once.
 *
 * @param say told what is being done
 * @throws GvaError STEP_FAILED, HOST_FULL, and what keeps packages from being installed
 */
export function ensureRecipe(
  order: RecipeOrder,
  say: (step: string) => void,
  signal: AbortSignal,
): Promise<{ manifest: BaseManifest; built: boolean }> {
  const { known, from, force } = order;
  const { name } = known.recipe;
  const build = () => inBuildFolder(name, (work) => buildRecipe(order, work, say, signal));
  return ensureBase({ name, inputs: recipeInputs(known, from), force, build }, say, signal);
}

async function buildRecipe(
  order: RecipeOrder,
  work: string,
  say: (step: string) => void,
  signal: AbortSignal,
): Promise<BaseManifest> {
  const { known, from, force } = order;
  const folder = await ensureFolder(join(work, 'base'));
  const image = join(folder, baseFiles.root);
  const plan = await intactPlan(known, from, force);
  say(beginning(plan, from));
  await placeRoot(plan, from, image, signal);
  for (const task of plan.tasks) {
    say(`step ${task.index + 1} of ${known.steps.length}: ${describeStep(task.step)}`);
    const folders = { work: join(work, `step-${task.index + 1}`), recipe: known.folder };
    await executeStep(task, { image, recipe: known.recipe, folders, runStep: order.runStep, say }, signal);
    await keep(image, from, task.elements, say);
  }
  say('making the base');
  const manifest = await publish(order, folder, image);
  await pruneLayers();
  return manifest;
}

/** A layer saves work and nothing else: where there is no room for it, the base is made without. */
async function keep(
  image: string,
  from: DirectBase,
  elements: readonly Element[],
  say: (step: string) => void,
): Promise<void> {
  const key = layerKey(from.digest, elements);
  try {
    await keepLayer(image, rootOf(from), { key, base: from.digest, elements });
  } catch (error) {
    if (fullDiskErrno(error) === undefined) throw error;
    say(`its layer is not kept: there is no room in ${layersFolder()}`);
  }
}

const rootOf = (base: DirectBase) => join(base.folder, base.files.root.name);

/** A layer that is not what it was is removed, and the next best takes its place. */
async function intactPlan(known: KnownRecipe, from: DirectBase, force: boolean): Promise<Plan<Layer>> {
  for (;;) {
    const plan = await planRecipe(known, from, force);
    if (!plan.start || (await isIntact(plan.start))) return plan;
  }
}

function beginning({ start, tasks }: Plan<Layer>, from: DirectBase): string {
  const steps = tasks.length === 0 ? 'no step' : `${tasks.length} step${tasks.length === 1 ? '' : 's'}`;
  return `${steps} to execute, beginning with ${start ? `layer ${start.key.slice(0, 12)}` : from.name}`;
}

async function placeRoot(
  plan: Plan<Layer>,
  from: DirectBase,
  image: string,
  signal: AbortSignal,
): Promise<void> {
  if (!plan.start) return copyImage(rootOf(from), image, signal);
  const { folder, changes } = plan.start;
  await applyChanges(rootOf(from), { file: join(folder, layerFiles.changes), ...changes }, image, signal);
}

async function publish({ known, from }: RecipeOrder, folder: string, image: string): Promise<BaseManifest> {
  const { recipe } = known;
  for (const { name } of [from.files.kernel, from.files.initrd])
    await copyFile(join(from.folder, name), join(folder, name));
  const { disk } = from.files;
  if (disk)
    await withOtherRoot(join(from.folder, disk.name), disk.rootOffset, image, join(folder, baseFiles.disk));
  return publishBase(folder, {
    name: recipe.name,
    ...(recipe.version === undefined ? {} : { version: recipe.version }),
    description: recipe.description ?? descriptionOf(known),
    ...inherited(from),
    origin: { kind: 'recipe', digest: recipeDigest(known), from: sourceText(recipe.from) },
    packages: await packagesOf(from, image),
    contentSize: await contentSizeOf(image),
    inputs: recipeInputs(known, from),
    ...(disk && {
      portable: {
        ...{ kernelRelease: disk.kernelRelease, rootOffset: disk.rootOffset, packages: disk.packages },
      },
    }),
  });
}

function descriptionOf({ recipe }: KnownRecipe): string {
  const names = recipe.steps.flatMap((step) => (step.kind === 'packages' ? step.names : []));
  return `${sourceText(recipe.from)}${names.length === 0 ? '' : ` with ${names.join(', ')}`}`;
}

/** What steps do not change. */
function inherited(from: DirectBase) {
  const { os, arch, distribution, kernelRelease, umlRelease, wake, boots, fileSystem, defaults } = from;
  return {
    ...{ os, arch, kernelRelease },
    ...(distribution && { distribution }),
    ...(umlRelease !== undefined && { umlRelease }),
    ...(wake !== undefined && { wake }),
    ...(boots && { boots }),
    ...(fileSystem !== undefined && { fileSystem }),
    ...(defaults && { defaults }),
  };
}

/** What dpkg says is installed now, and what the base has besides: kernels. */
async function packagesOf(from: DirectBase, image: string): Promise<Record<string, string>> {
  const before = (await readRootState(rootOf(from))).dpkgStatus;
  const now = (await readRootState(image)).dpkgStatus;
  if (before === undefined || now === undefined) return from.packages;
  const installed = packagesIn(before, 'amd64');
  const besides = Object.entries(from.packages).filter(([name]) => !(name in installed));
  return { ...packagesIn(now, 'amd64'), ...Object.fromEntries(besides) };
}
