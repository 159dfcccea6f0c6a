import { digestText } from '../../system/files.js';
import type { RecipeStep } from './recipe.js';

/**
 * What a root file system has more than the base that it began as, in the order in which it came. Packages that
 * nothing came between are a set: it does not matter which of them was first.
 */
export type Element =
  | { readonly kind: 'packages'; readonly names: readonly string[] }
  /** The digest is of all that went in. */
  | { readonly kind: Exclude<RecipeStep['kind'], 'packages'>; readonly digest: string };

/** A step with what it takes in. */
export interface KnownStep {
  readonly step: RecipeStep;
  /** Of a `copy`: of the content. */
  readonly content?: string;
}

/** What is in the cache, as far as the choice needs to know. */
export interface Candidate {
  readonly elements: readonly Element[];
}

/** A step that is still to be executed. Of packages, those that are missing. */
export interface Task {
  /** Number of the recipe's step, from 0. */
  readonly index: number;
  readonly step: RecipeStep;
  /** What the root file system has after it. */
  readonly elements: readonly Element[];
}

export interface Plan<Layer extends Candidate> {
  /** Where the work begins; undefined: at the base. */
  readonly start: Layer | undefined;
  readonly tasks: readonly Task[];
}

/** Raise when the same step gives another result than before. */
const stepVersion = 1;

/** Identity of a layer: of what it began as, and of all that came to it. */
export const layerKey = (base: string, elements: readonly Element[]): string =>
  digestText(JSON.stringify([stepVersion, base, elements]));

/** What the root file system has after these steps. */
export function elementsAfter(steps: readonly KnownStep[]): Element[] {
  return steps.reduce<Element[]>((elements, { step, content }) => withStep(elements, step, content), []);
}

/**
 * Chooses where to begin: with what has the most of the steps and nothing else, so that the least is missing.
 *
 * @param layers all on the same base
 */
export function planSteps<Layer extends Candidate>(
  steps: readonly KnownStep[],
  layers: readonly Layer[],
): Plan<Layer> {
  const wanted = elementsAfter(steps);
  let start: Layer | undefined;
  let best: Match = { whole: 0, names: [] };
  for (const layer of layers) {
    const match = matchOf(layer.elements, wanted);
    if (match && isMore(match, best)) [start, best] = [layer, match];
  }
  return { start, tasks: tasksFrom(steps, start, best) };
}

/** How far a root file system is on the way to another one. */
interface Match {
  /** Elements that are there entirely. */
  readonly whole: number;
  /** Of the packages that come next, those that are there. */
  readonly names: readonly string[];
}

function matchOf(found: readonly Element[], wanted: readonly Element[]): Match | undefined {
  const last = found.length - 1;
  if (last < 0 || last >= wanted.length) return undefined;
  if (!found.slice(0, last).every((element, index) => isSame(element, wanted[index]))) return undefined;
  const [one, other] = [found[last], wanted[last]];
  if (isSame(one, other)) return { whole: found.length, names: [] };
  if (one?.kind !== 'packages' || other?.kind !== 'packages') return undefined;
  return one.names.every((name) => other.names.includes(name))
    ? { whole: last, names: one.names }
    : undefined;
}

const isSame = (one: Element | undefined, other: Element | undefined) =>
  JSON.stringify(one) === JSON.stringify(other);

const isMore = (one: Match, other: Match) =>
  one.whole > other.whole || (one.whole === other.whole && one.names.length > other.names.length);

function tasksFrom(
  steps: readonly KnownStep[],
  start: Candidate | undefined,
  { whole, names }: Match,
): Task[] {
  const tasks: Task[] = [];
  let wanted: Element[] = [];
  let elements: readonly Element[] = start?.elements ?? [];
  for (const [index, { step, content }] of steps.entries()) {
    wanted = withStep(wanted, step, content);
    if (wanted.length <= whole) continue;
    const missing = missingOf(step, wanted.length === whole + 1 ? names : []);
    if (!missing) continue;
    elements = withStep(elements, missing, content);
    tasks.push({ index, step: missing, elements });
  }
  return tasks;
}

/** What is left of a step where these packages are there; undefined: nothing. */
function missingOf(step: RecipeStep, there: readonly string[]): RecipeStep | undefined {
  if (step.kind !== 'packages') return step;
  const names = step.names.filter((name) => !there.includes(name));
  return names.length === 0 ? undefined : { ...step, names };
}

function withStep(elements: readonly Element[], step: RecipeStep, content: string | undefined): Element[] {
  const last = elements.at(-1);
  if (step.kind !== 'packages') return [...elements, { kind: step.kind, digest: digestOf(step, content) }];
  const names = last?.kind === 'packages' ? [...last.names, ...step.names] : step.names;
  const set: Element = { kind: 'packages', names: [...new Set(names)].sort() };
  return last?.kind === 'packages' ? [...elements.slice(0, -1), set] : [...elements, set];
}

/** How long a step may take is nothing that it takes in. */
function digestOf(step: Exclude<RecipeStep, { kind: 'packages' }>, content: string | undefined): string {
  switch (step.kind) {
    case 'copy':
      // Where the content stood does not matter, but whether it is a folder does: the digest knows.
      return digestText(JSON.stringify([step.to, content]));
    case 'run':
      return digestText(step.network ? JSON.stringify([step.command, 'network']) : step.command);
    case 'user':
      return digestText(JSON.stringify([step.name, step.uid ?? null]));
    case 'env':
      return digestText(JSON.stringify(step.variables));
  }
}
