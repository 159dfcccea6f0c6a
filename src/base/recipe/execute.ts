import { rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { ext4Size, makeExt4 } from '../../disk/ext4-image.js';
import { printable } from '../../disk/findings.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { ensureFolder, writeFileAtomically } from '../../system/files.js';
import { listTree } from '../../system/folder-digest.js';
import { layersFolder, recipeLog, scratchFiles } from '../../system/paths.js';
import type { Task } from './chain.js';
import { type InstallPlan, planInstall } from './install-plan.js';
import { type Recipe, describeStep } from './recipe.js';
import { type RootState, readRootState } from './root-state.js';
import { writeStepFiles } from './step-files.js';
import type { StepOutcome, StepRunner } from './step-runner.js';

export interface StepPlace {
  /** Of the root file system: the step changes it. */
  readonly image: string;
  readonly recipe: Recipe;
  /** `work`: for files of the step alone, removed at its end. */
  readonly folders: { readonly work: string; readonly recipe: string };
  readonly runStep: StepRunner;
  readonly say: (step: string) => void;
}

/** Seconds for a step that asks for nothing else: what hangs must end. */
const defaultTimeout = 4 * 3600;
/** Lines of what a failed step said that are shown. */
const shownLines = 15;

/**
 * Executes one step on a root file system. Where it fails, the image is of no use any more.
 *
 * @throws GvaError STEP_FAILED with the last of what it said; PACKAGES_UNSUPPORTED and as planInstall()
 */
export async function executeStep(task: Task, place: StepPlace, signal: AbortSignal): Promise<void> {
  const { image, recipe, folders, runStep } = place;
  const { step } = task;
  const work = await ensureFolder(folders.work);
  const state = await readRootState(image);
  const install = step.kind === 'packages' ? await installFor(step.names, state, work, signal) : undefined;
  if (install?.actions.length === 0) return;
  const missing = recipe.free + (install?.installedSize ?? 0) - state.free;
  const grow = state.canGrow && (await makeRoom(image, missing));
  const files = join(work, 'files');
  await writeStepFiles(files, step, { folder: folders.recipe, grow, ...(install && { install }) });
  const app = join(work, scratchFiles.step);
  await makeAppDisk(app, files);
  const timeout = (step.kind === 'run' ? step.timeout : undefined) ?? defaultTimeout;
  const network = step.kind === 'run' && step.network === true;
  const outcome = await runStep({ root: image, app, memory: recipe.memory, network, timeout }, signal);
  await rm(work, { recursive: true, force: true });
  const log = recipeLog(recipe.name);
  if (outcome.status === 0) return rm(log, { force: true });
  await ensureFolder(layersFolder());
  await writeFileAtomically(log, outcome.log);
  throw stepFailed(task, outcome, log);
}

async function installFor(
  names: readonly string[],
  { dpkgStatus, suite }: RootState,
  work: string,
  signal: AbortSignal,
): Promise<InstallPlan> {
  if (dpkgStatus === undefined || suite === undefined)
    throw new GvaError('PACKAGES_UNSUPPORTED', 'packages can be installed only where there is a Debian', {
      hint: 'Begin with debian:bookworm or debian:trixie, or with a base that was made of it.',
    });
  return planInstall(names, { dpkgStatus, suite }, work, signal);
}

/** @returns whether the image is larger than its file system now */
async function makeRoom(image: string, missing: number): Promise<boolean> {
  if (missing <= 0) return false;
  const { size } = await stat(image);
  // Some of it goes into tables of the file system, and packages need more than they say.
  const more = Math.ceil((missing * 1.1) / (8 << 20)) * (8 << 20);
  await truncate(image, size + more);
  return true;
}

async function makeAppDisk(image: string, from: string): Promise<void> {
  const entries = await listTree(from);
  const bytes = entries.reduce((sum, { stat: info }) => sum + (info.isFile() ? info.size : 0), 0);
  const { size, inodes } = ext4Size(entries.length, bytes, 8 << 20);
  await makeExt4(image, { label: 'GVA-APP', size, inodes, from });
}

function stepFailed({ index, step }: Task, { status, problem, log }: StepOutcome, file: string): GvaError {
  const lines = log.toString().trimEnd().split('\n').slice(-shownLines);
  const said = lines.map((line) => `  ${printable(Buffer.from(line))}`).join('\n');
  const what = problem ?? `status ${status}`;
  const message = `step ${index + 1} failed (${describeStep(step)}): ${what}\n${said}`;
  const full = log.includes('No space left on device') ? ' Ask for more room: free, in the recipe.' : '';
  return new GvaError('STEP_FAILED', message, {
    exitCode: ExitCode.application,
    hint: `All that it said: ${file}. What the steps before it made is kept.${full}`,
  });
}
