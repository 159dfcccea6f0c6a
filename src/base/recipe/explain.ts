import type { Layer } from '../layer/store.js';
import type { Base } from '../store.js';
import type { Plan } from './chain.js';
import { type KnownRecipe, recipeInputs } from './order.js';
import { describeStep, sourceText } from './recipe.js';

/** What a build would do, and why. */
export interface Explanation {
  readonly name: string;
  readonly from: {
    readonly source: string;
    /** Of the base; absent where it would have to be built first. */
    readonly digest?: string;
  };
  /** The base is there, made of the same: nothing is to be done. */
  readonly upToDate: boolean;
  /** Where the work would begin; absent: at the base. */
  readonly layer?: { readonly key: string; readonly packages: readonly string[] };
  readonly steps: readonly ExplainedStep[];
}

export interface ExplainedStep {
  readonly step: string;
  /** `partial`: some of its packages are there. */
  readonly state: 'there' | 'partial' | 'missing';
  /** Packages that would be installed. */
  readonly missing?: readonly string[];
}

/** @param from undefined where it would have to be built */
export function explainRecipe(
  known: KnownRecipe,
  from: Base | undefined,
  current: Base | undefined,
  { start, tasks }: Plan<Layer>,
): Explanation {
  const packages = start?.elements.flatMap((each) => (each.kind === 'packages' ? each.names : [])) ?? [];
  return {
    name: known.recipe.name,
    from: { source: sourceText(known.recipe.from), ...(from && { digest: from.digest }) },
    upToDate: from !== undefined && current?.inputs === recipeInputs(known, from),
    ...(start && { layer: { key: start.key, packages } }),
    steps: known.steps.map(({ step }, index): ExplainedStep => {
      const task = tasks.find((each) => each.index === index);
      if (!task) return { step: describeStep(step), state: 'there' };
      if (task.step.kind !== 'packages' || step.kind !== 'packages')
        return { step: describeStep(step), state: 'missing' };
      const isPartial = task.step.names.length < step.names.length;
      return {
        step: describeStep(step),
        state: isPartial ? 'partial' : 'missing',
        missing: task.step.names,
      };
    }),
  };
}

/** The same for people, a line for each step. */
export function explanationText({ from, upToDate, layer, steps }: Explanation): string {
  const words = { there: 'there', partial: 'in part', missing: 'to do' };
  const beginning = layer ? `layer ${layer.key.slice(0, 12)}` : 'the base itself';
  const lines = steps.map(({ step, state, missing }, index) => {
    const rest = state === 'partial' ? `: ${missing?.join(', ') ?? ''} missing` : '';
    return `  ${index + 1}. ${words[state].padEnd(7)} ${step}${rest}`;
  });
  return [
    `from ${from.source}${from.digest === undefined ? ', which must be built first' : ` (${from.digest.slice(0, 16)})`}`,
    `begins with ${beginning}`,
    ...lines,
    upToDate ? 'the base is there and up to date' : summary(steps),
  ].join('\n');
}

function summary(steps: readonly ExplainedStep[]): string {
  const open = steps.filter(({ state }) => state !== 'there').length;
  return `${open} of ${steps.length} steps to execute`;
}
